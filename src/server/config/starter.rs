//! The commented file that `jumpgate configure` prints.

/// A file that loads as it stands; every key that has an effect is in it, with what it is when left out.
pub const STARTER: &str = r#"# Configuration of a Jumpgate gate. Start it with: jumpgate start --config FILE
teleport:
  # This machine's name, for certificates. Left out: the host name.
  # nodename: gate-1
  # Private keys, connectors, roles and the audit log are here; only the gate's user may read it.
  data_dir: /var/lib/teleport
  log:
    output: stderr      # stderr, stdout or a file name
    severity: INFO      # DEBUG, INFO, WARN or ERROR
    format: text        # text or json
  storage:
    type: sqlite        # an embedded database in data_dir
  # Health and figures (/healthz, /readyz, /metrics) on a loopback address. Left out: none.
  # diag_addr: 127.0.0.1:3000
  # How long open streams may go on after SIGTERM.
  shutdown_timeout: 30s

auth_service:
  enabled: yes
  # The cluster's name, in certificates and in everybody's kubeconfig. Do not change it once people have signed in.
  cluster_name: gate.example.com
  listen_addr: 0.0.0.0:3025
  # How tctl reaches this port from elsewhere.
  # public_addr: gate.example.com:3025
  authentication:
    type: github
  # How long after a sign-in tsh renews the certificate by itself, without a browser (each certificate lives as long as
  # the roles allow). A role of your own with max_session_ttl ends it earlier: its time wins. A removed user or role ends
  # it at once; a change of GitHub teams counts at the next sign-in.
  # Left out: not at all.
  # login_renewal: 24h
  # Whether a terminal without a browser may sign in by a code that its person types on the gate's page.
  # code_login: yes
  # Every exec and attach is recorded; tsh play and the web pages show it.
  recording:
    # With strict a session that cannot be recorded ends, with best_effort it goes on and what is missing is counted. Or off.
    mode: strict
    # Left out: in data_dir. A folder, or s3://BUCKET/PREFIX?region=REGION with the credentials in the gate's environment.
    # storage: s3://example-recordings/gate?region=eu-central-1
    # How long recordings are kept. Left out: for ever.
    # retention: 90d
    # No session begins while data_dir has less space than this.
    # free_space: 128MiB

proxy_service:
  enabled: yes
  web_listen_addr: 0.0.0.0:3080
  # How people reach the gate: a host, with the port if it is not that of web_listen_addr. A list is allowed.
  public_addr: gate.example.com:3080
  # The web port's certificate. Left out: one that the gate signs itself, which browsers and tsh do not know.
  # https_key_file: /var/lib/certs/tls.key
  # https_cert_file: /var/lib/certs/tls.crt
  kubernetes:
    enabled: yes
    listen_addr: 0.0.0.0:3026
    # public_addr: gate.example.com:3026
    # How the gate reaches the cluster. Left out: the service account of the pod that it runs in.
    # kubeconfig_file: /var/lib/teleport/kubeconfig
    # context: my-cluster
    # What people choose clusters by (tsh kube ls, tsh kube login --labels), and the cluster's own name there.
    # labels: {env: prod}
    # kube_cluster_name: prod
    # More clusters behind the same port; each is reached by its name. Without kubeconfig_file it is another context of the file above.
    # clusters: [{name: staging, labels: {env: staging}, kubeconfig_file: /var/lib/teleport/staging-kubeconfig}]
"#;
