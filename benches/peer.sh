#!/bin/sh
# What kubectl's credential plugins of other makes do, in the tools that every machine has: keep a token in a file, look
# whether it is still good, print it for kubectl; or get the next one first.
#
# Usage: benches/peer.sh warm CACHE
#        benches/peer.sh cold CACHE ADDRESS CA CERT KEY [SSH-KEYGEN's folder for the new key]
# CACHE is JSON: {"end": "2026-11-24T12:00:00Z", "cert": PEM, "key": PEM}.
set -eu

print_it() {
    jq -c --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'if .end > $now then
        {apiVersion: "client.authentication.k8s.io/v1beta1", kind: "ExecCredential", status: {
            expirationTimestamp: .end, clientCertificateData: .cert, clientKeyData: .key}}
        else error("expired") end' "$1"
}

case $1 in
warm) print_it "$2" ;;
cold)
    name=teleport.cluster.local
    rm -f "$7/key" "$7/key.pub"
    ssh-keygen -q -t ecdsa -b 256 -m PEM -N '' -f "$7/key"
    jq -Rc '{public_key: (. + "\n" | @base64), cert_ttl: 0}' "$7/key.pub" |
        curl -sSf --cacert "$4" --cert "$5" --key "$6" --connect-to "$name:443:$3" \
            -H 'Content-Type: application/json' --data-binary @- "https://$name/v2/renewal" >"$7/answer"
    end=$(jq -r '.tls_cert | @base64d' "$7/answer" | openssl x509 -noout -enddate | cut -d= -f2)
    end=$(date -u -d "$end" +%Y-%m-%dT%H:%M:%SZ)
    jq -c --rawfile key "$7/key" --arg until "$end" \
        '{"end": $until, cert: (.tls_cert | @base64d), key: $key}' "$7/answer" >"$2.new"
    mv "$2.new" "$2"
    print_it "$2"
    ;;
esac
