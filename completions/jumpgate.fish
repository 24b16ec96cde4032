# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_jumpgate_global_optspecs
    string join \n d/debug h/help V/version
end

function __fish_jumpgate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_jumpgate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_jumpgate_using_subcommand
    set -l cmd (__fish_jumpgate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c jumpgate -n "__fish_jumpgate_needs_command" -s d -s v -l debug -l verbose -d 'Write what happens to standard error; of `start`, to its log'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "start" -d 'Start the gate'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "configure" -d 'Print a commented configuration to begin with, or the gate\'s rights in Kubernetes'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "demo" -d 'Run everything on this machine: a gate, a GitHub and a Kubernetes, with no account and no cluster'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "tsh" -d 'The client: log in, then use kubectl'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "tctl" -d 'The admin tool: say who may do what'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand start" -s c -l config -d 'The configuration; see: jumpgate configure' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand start" -s d -s v -l debug -l verbose -d 'Write what happens to standard error; of `start`, to its log'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -s c -l config -d 'With --rbac: the gate\'s configuration, to find its connectors and roles' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -l group -d 'With --rbac: a group to allow beside those found; may be repeated' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -l user -d 'With --rbac: allow only the users named here and those that connectors and roles name, instead of any; may be repeated' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -l namespace -d 'With --rbac: the namespace of the service account' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -l service-account -d 'With --rbac: the name of the service account' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -l rbac -d 'Print the gate\'s least rights in Kubernetes instead'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -s d -s v -l debug -l verbose -d 'Write what happens to standard error; of `start`, to its log'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand configure" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -l dir -d 'The folder for everything that is written; what an earlier demo left there goes [default: a new one that goes away at the end]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -l kubeconfig -d 'Guard the cluster of this kubeconfig\'s current context instead of the demo\'s own' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -l kubectl -d 'The kubectl of the tour [default: the one on PATH, else a small client of the demo]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -l tour -d 'Walk through connector, login, kubectl and less access, check each step, and end'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -s d -s v -l debug -l verbose -d 'Write what happens to standard error; of `start`, to its log'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand demo" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "login" -d 'Log in through the browser and make kubectl work'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "logout" -d 'Forget keys and certificates, and take our entries out of the kubeconfig'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "status" -d 'Show who is logged in, where, and for how long'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "clusters" -d 'List the gate\'s clusters'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "kube" -d 'Kubernetes: list clusters, select one, credentials for kubectl'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "recordings" -d 'Recordings of sessions: list, search, export, verify'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "play" -d 'Play a recording'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "join" -d 'Look on while a session goes on'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "keys" -d 'Show where the private keys of logins are, and move them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "config" -d 'Show and change your settings'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "doctor" -d 'Look for what keeps a login or kubectl from working, and say what mends it'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "env" -d 'Print the environment variables that name the current login'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l browser -d 'Program that opens the address; `none` only prints it (also: TELEPORT_LOGIN_BROWSER)' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l bind-addr -d 'Loopback address to wait for the browser on (also: TELEPORT_LOGIN_BIND_ADDR) [default: 127.0.0.1, a free port]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -s o -l out -d 'Write the login to files, for machines, instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -s f -l format -d 'Form of the files of --out' -r -f -a "file\t'One file with key, certificates and CAs: for `--identity`'
openssh\t'FILE and FILE-cert.pub: for `ssh -i FILE`'
kubernetes\t'A kubeconfig with key and certificate in it'
tls\t'FILE.key, FILE.crt and FILE.cas'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l add-keys-to-agent -d 'Give the SSH certificate and its key to the running SSH agent, until the certificate ends' -r -f -a "yes\t''
no\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l overwrite -d 'Let --out replace a file that is no earlier login'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l force -d 'Log in again although the certificate is still valid'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l renew -d 'Get the next certificate with the one that is still valid, without a browser'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l no-kubeconfig -d 'Leave the kubeconfig alone'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l embed-certs -d 'Write key and certificate into the kubeconfig instead of the command that fetches them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l keep-context -d 'Leave the current context as it is (also: JUMPGATE_KEEP_CONTEXT=1, kube.keep_context)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l keep-contexts -d 'Leave the kubeconfig as it is: kubectl then says that a login is needed'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -s q -l quiet -d 'Names only, without headers'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from clusters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "ls" -d 'List the Kubernetes clusters behind the gate'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "login" -d 'Write the kubeconfig entries of clusters, and select the context of a single one'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "use" -d 'Select a context, or list them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "shell" -d 'Run a shell or a program that sees one context alone'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "logout" -d 'Take contexts out of the kubeconfig; the login stays'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "credentials" -d 'Print credentials for kubectl, which calls this by itself'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from kube" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "ls" -d 'List recordings, live sessions first'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "search" -d 'Find a text that was on the screen or piped into a command'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "export" -d 'Write a recording as a file for other programs'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "verify" -d 'Check that a recording is what the gate wrote'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "keys" -d 'Print the public keys that sign recordings and those that did, for verify --key'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from recordings" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -s s -l speed -d 'How fast a film runs, from 0.5 to 16 [default: 1]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l skip-idle -d 'In a film, cut pauses that are longer than this to so many seconds' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l from -d 'Where to begin: 83, 1:23 or 1:02:03; text and JSON have what came from then on' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -s f -l format -d 'How to show it [default: pty on a terminal, else text]' -r -f -a "pty\t'As a film on this terminal'
text\t'What was on the screen, line by line'
json\t'One JSON object an event'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from play" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l mode -d 'As what: an observer sees what happens and changes nothing' -r -f -a "observer\t'Sees what happens'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -f -a "ls" -d 'List each login\'s key store, and whether the key is there'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -f -a "move" -d 'Move keys into another store'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from keys" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -f -a "view" -d 'Show the settings, checked'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -f -a "set" -d 'Change one setting; comments in the file stay'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -f -a "unset" -d 'Take one setting away'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from config" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l unset -d 'Print commands that unset the variables'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "login" -d 'Log in through the browser and make kubectl work'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "logout" -d 'Forget keys and certificates, and take our entries out of the kubeconfig'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show who is logged in, where, and for how long'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "clusters" -d 'List the gate\'s clusters'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "kube" -d 'Kubernetes: list clusters, select one, credentials for kubectl'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "recordings" -d 'Recordings of sessions: list, search, export, verify'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "play" -d 'Play a recording'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "join" -d 'Look on while a session goes on'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "keys" -d 'Show where the private keys of logins are, and move them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "config" -d 'Show and change your settings'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "doctor" -d 'Look for what keeps a login or kubectl from working, and say what mends it'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "env" -d 'Print the environment variables that name the current login'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "events" -d 'The audit log: who did what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "audit" -d 'The audit log: who did what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "recordings" -d 'Recordings of sessions: the key that signs them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "sessions" -d 'Live sessions: list and end them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm events audit recordings sessions status version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s f -l force -d 'Overwrite what is there'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l with-secrets -d 'Show secrets too, such as a connector\'s client secret'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from events" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from audit" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -f -a "rotate-key" -d 'Make a new key that signs recordings from now on'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from recordings" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -f -a "ls" -d 'List the sessions that go on at this moment'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -f -a "kill" -d 'End a session; its user reads why'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from sessions" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_jumpgate_values)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "events" -d 'The audit log: who did what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "recordings" -d 'Recordings of sessions: the key that signs them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "sessions" -d 'Live sessions: list and end them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "start" -d 'Start the gate'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "configure" -d 'Print a commented configuration to begin with, or the gate\'s rights in Kubernetes'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "demo" -d 'Run everything on this machine: a gate, a GitHub and a Kubernetes, with no account and no cluster'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "tsh" -d 'The client: log in, then use kubectl'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "tctl" -d 'The admin tool: say who may do what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from start configure demo tsh tctl help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "login" -d 'Log in through the browser and make kubectl work'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "logout" -d 'Forget keys and certificates, and take our entries out of the kubeconfig'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "status" -d 'Show who is logged in, where, and for how long'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "clusters" -d 'List the gate\'s clusters'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "kube" -d 'Kubernetes: list clusters, select one, credentials for kubectl'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "recordings" -d 'Recordings of sessions: list, search, export, verify'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "play" -d 'Play a recording'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "join" -d 'Look on while a session goes on'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "keys" -d 'Show where the private keys of logins are, and move them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "config" -d 'Show and change your settings'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "doctor" -d 'Look for what keeps a login or kubectl from working, and say what mends it'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "env" -d 'Print the environment variables that name the current login'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "events" -d 'The audit log: who did what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "recordings" -d 'Recordings of sessions: the key that signs them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "sessions" -d 'Live sessions: list and end them'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "version" -d 'Print the version'

# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
function __fish_jumpgate_names
    set -g __fish_jumpgate_found (command jumpgate __complete fish (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
end

function __fish_jumpgate_values
    __fish_jumpgate_names
    and string join \n -- $__fish_jumpgate_found
end

complete -c jumpgate -n __fish_jumpgate_names -k -f -a '$__fish_jumpgate_found'
