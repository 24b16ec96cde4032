# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tsh_global_optspecs
    string join \n proxy= user= auth= ttl= way= insecure ca-pin= ca-file= i/identity= key-store= skip-version-check d/debug h/help V/version
end

function __fish_tsh_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tsh_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tsh_using_subcommand
    set -l cmd (__fish_tsh_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tsh -n "__fish_tsh_needs_command" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_needs_command" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_needs_command" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_needs_command" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_needs_command" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_needs_command" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_needs_command" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_needs_command" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_needs_command" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_needs_command" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_needs_command" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_needs_command" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_needs_command" -s V -l version -d 'Print version'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "login" -d 'Log in through the browser and make kubectl work'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "logout" -d 'Forget keys and certificates, and take our entries out of the kubeconfig'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "status" -d 'Show who is logged in, where, and for how long'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "clusters" -d 'List the gate\'s clusters'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "kube" -d 'Kubernetes: list clusters, select one, credentials for kubectl'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "recordings" -d 'Recordings of sessions: list, search, export, verify'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "play" -d 'Play a recording'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "join" -d 'Look on while a session goes on'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "keys" -d 'Show where the private keys of logins are, and move them'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "config" -d 'Show and change your settings'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "doctor" -d 'Look for what keeps a login or kubectl from working, and say what mends it'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "env" -d 'Print the environment variables that name the current login'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "version" -d 'Print the version'
complete -c tsh -n "__fish_tsh_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l browser -d 'Program that opens the address; `none` only prints it (also: TELEPORT_LOGIN_BROWSER)' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l bind-addr -d 'Loopback address to wait for the browser on (also: TELEPORT_LOGIN_BIND_ADDR) [default: 127.0.0.1, a free port]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -s o -l out -d 'Write the login to files, for machines, instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand login" -s f -l format -d 'Form of the files of --out' -r -f -a "file\t'One file with key, certificates and CAs: for `--identity`'
openssh\t'FILE and FILE-cert.pub: for `ssh -i FILE`'
kubernetes\t'A kubeconfig with key and certificate in it'
tls\t'FILE.key, FILE.crt and FILE.cas'"
complete -c tsh -n "__fish_tsh_using_subcommand login" -l add-keys-to-agent -d 'Give the SSH certificate and its key to the running SSH agent, until the certificate ends' -r -f -a "yes\t''
no\t''"
complete -c tsh -n "__fish_tsh_using_subcommand login" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand login" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand login" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand login" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand login" -l overwrite -d 'Let --out replace a file that is no earlier login'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l force -d 'Log in again although the certificate is still valid'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l renew -d 'Get the next certificate with the one that is still valid, without a browser'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l no-kubeconfig -d 'Leave the kubeconfig alone'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l embed-certs -d 'Write key and certificate into the kubeconfig instead of the command that fetches them'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l keep-context -d 'Leave the current context as it is (also: JUMPGATE_KEEP_CONTEXT=1, kube.keep_context)'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand login" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand login" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand logout" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l keep-contexts -d 'Leave the kubeconfig as it is: kubectl then says that a login is needed'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand status" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand status" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand status" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand status" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand status" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand status" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand status" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand status" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -s q -l quiet -d 'Names only, without headers'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand clusters" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "ls" -d 'List the Kubernetes clusters behind the gate'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "login" -d 'Write the kubeconfig entries of clusters, and select the context of a single one'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "use" -d 'Select a context, or list them'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "shell" -d 'Run a shell or a program that sees one context alone'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "logout" -d 'Take contexts out of the kubeconfig; the login stays'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "credentials" -d 'Print credentials for kubectl, which calls this by itself'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and not __fish_seen_subcommand_from ls login use shell logout credentials help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l labels -d 'Only clusters that have all of these labels' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Names only, without headers'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l labels -d 'Write the entries of the clusters that have all of these labels' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l set-current -d 'With --all or --labels: the cluster to select' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l set-context-name -d 'Names of the contexts; {{.KubeName}}, {{.ClusterName}} and {{.User}} stand for the cluster, the gate and you' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -s n -l namespace -d 'Namespace of the contexts' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l all -d 'Write the entries of all clusters behind the gate'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l embed-certs -d 'Write key and certificate into the kubeconfig instead of the command that fetches them'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l keep-context -d 'Leave the current context as it is (also: JUMPGATE_KEEP_CONTEXT=1, kube.keep_context)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -s f -l format -d 'How to write the list, or with a name what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -s y -l yes -d 'Do not ask before a context of production'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -s n -l namespace -d 'Namespace to work in' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from shell" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l teleport-cluster -d 'Cluster of the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l kube-cluster -d 'Kubernetes cluster that the entry is for, so that entries can be told apart; one certificate opens all of them' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l no-login -d 'Start no login; say which command does (also: JUMPGATE_NO_LOGIN=1)'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from credentials" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List the Kubernetes clusters behind the gate'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "login" -d 'Write the kubeconfig entries of clusters, and select the context of a single one'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "use" -d 'Select a context, or list them'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "shell" -d 'Run a shell or a program that sees one context alone'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "logout" -d 'Take contexts out of the kubeconfig; the login stays'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "credentials" -d 'Print credentials for kubectl, which calls this by itself'
complete -c tsh -n "__fish_tsh_using_subcommand kube; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "ls" -d 'List recordings, live sessions first'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "search" -d 'Find a text that was on the screen or piped into a command'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "export" -d 'Write a recording as a file for other programs'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "verify" -d 'Check that a recording is what the gate wrote'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "keys" -d 'Print the public keys that sign recordings and those that did, for verify --key'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and not __fish_seen_subcommand_from ls search export verify keys help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l since -d 'Begun since then: 30m, 2h or 7d ago, a day, or an instant' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l until -d 'Begun before then' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l user -d 'Only sessions of this person; who asks is another matter: the current login, or TELEPORT_USER\'s' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l cluster -d 'In this cluster' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l state -d 'In this state' -r -f -a "live\t'It goes on'
complete\t'It is over and all of it is there'
cut\t'The gate died meanwhile'
partial\t'Something of it could not be recorded'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l limit -d 'At most so many' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l since -d 'In sessions begun since then: 30m, 2h or 7d ago, a day, or an instant' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l until -d 'In sessions begun before then' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l user -d 'Only in sessions of this person; who asks is another matter: the current login, or TELEPORT_USER\'s' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l cluster -d 'In sessions of this cluster' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l session -d 'In this session alone: its ID, or how that begins' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l limit -d 'Name at most so many lines of a session' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l after -d 'Go on where an earlier search stopped' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -s f -l format -d 'How to write it [default: as the end of FILE says (.cast, .txt, .json, .jgr), else cast]' -r -f -a "cast\t'asciicast v2, which asciinema plays'
text\t'Who, what, where and when, then what was on the screen, line by line'
json\t'One JSON object an event'
sealed\t'As the gate keeps it, to verify later; needs --output'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -s o -l output -d 'File to write; - is standard output [default: standard output]' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l force -d 'Write over a file that is there'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l key -d 'Public recording keys of the gate, as `tsh recordings keys` prints them, instead of asking it' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -s f -l format -d 'How to write them; text is PEM, with a line before each key that says since when it signs' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from keys" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List recordings, live sessions first'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "search" -d 'Find a text that was on the screen or piped into a command'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write a recording as a file for other programs'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check that a recording is what the gate wrote'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "keys" -d 'Print the public keys that sign recordings and those that did, for verify --key'
complete -c tsh -n "__fish_tsh_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -s s -l speed -d 'How fast a film runs, from 0.5 to 16 [default: 1]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l skip-idle -d 'In a film, cut pauses that are longer than this to so many seconds' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l from -d 'Where to begin: 83, 1:23 or 1:02:03; text and JSON have what came from then on' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -s f -l format -d 'How to show it [default: pty on a terminal, else text]' -r -f -a "pty\t'As a film on this terminal'
text\t'What was on the screen, line by line'
json\t'One JSON object an event'"
complete -c tsh -n "__fish_tsh_using_subcommand play" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand play" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand play" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand play" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand play" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand play" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand play" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand play" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l mode -d 'As what: an observer sees what happens and changes nothing' -r -f -a "observer\t'Sees what happens'"
complete -c tsh -n "__fish_tsh_using_subcommand join" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand join" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand join" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand join" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand join" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand join" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand join" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand join" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -f -a "ls" -d 'List each login\'s key store, and whether the key is there'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -f -a "move" -d 'Move keys into another store'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and not __fish_seen_subcommand_from ls move help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l to -d 'Where to: file, keyring or keyutils' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l diff -d 'Show what would change in the kubeconfig, and change nothing'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List each login\'s key store, and whether the key is there'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "move" -d 'Move keys into another store'
complete -c tsh -n "__fish_tsh_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -f -a "view" -d 'Show the settings, checked'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -f -a "set" -d 'Change one setting; comments in the file stay'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -f -a "unset" -d 'Take one setting away'
complete -c tsh -n "__fish_tsh_using_subcommand config; and not __fish_seen_subcommand_from view set unset help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from view" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -s f -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "view" -d 'Show the settings, checked'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "set" -d 'Change one setting; comments in the file stay'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "unset" -d 'Take one setting away'
complete -c tsh -n "__fish_tsh_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand env" -s f -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand env" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand env" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand env" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand env" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand env" -l unset -d 'Print commands that unset the variables'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand env" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand env" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand env" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tsh -n "__fish_tsh_using_subcommand version" -l proxy -d 'Address of the gate\'s web port: HOST or HOST:PORT' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l user -d 'Whose login to use, or to make: a user\'s name at the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l auth -d 'Name of the connector to sign in with [default: the gate\'s own]' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l ttl -d 'How long the certificate shall live, at most as long as the roles allow' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l way -d 'How to sign in, where the gate and this machine leave a choice (also: JUMPGATE_LOGIN_WAY) [default: a browser on this machine if there is one, else a code, else pasting]' -r -f -a "browser\t'A browser on this machine'
paste\t'A browser elsewhere; the address on which it ends is pasted here'
code\t'A code that is typed on the gate\'s page in any browser'"
complete -c tsh -n "__fish_tsh_using_subcommand version" -l ca-pin -d 'Key that the gate must show at a first login; `tctl status` prints it on the gate' -r -k -f -a '(__fish_tsh_values)'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l ca-file -d 'File of CAs to trust besides the system\'s' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand version" -s i -l identity -d 'Use the login in a file of `tsh login --out` instead of the profile' -r -F
complete -c tsh -n "__fish_tsh_using_subcommand version" -l key-store -d 'Where a login keeps its private key: file, keyring (the system\'s), keyutils (the Linux kernel\'s), none (only with --out)' -r -f -a "file\t''
keyring\t''
keyutils\t''
none\t''"
complete -c tsh -n "__fish_tsh_using_subcommand version" -l insecure -d 'Accept any certificate of the web port, and pin its key as unverified'
complete -c tsh -n "__fish_tsh_using_subcommand version" -l skip-version-check -d 'Log in although the gate wants a newer client'
complete -c tsh -n "__fish_tsh_using_subcommand version" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tsh -n "__fish_tsh_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "login" -d 'Log in through the browser and make kubectl work'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "logout" -d 'Forget keys and certificates, and take our entries out of the kubeconfig'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "status" -d 'Show who is logged in, where, and for how long'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "clusters" -d 'List the gate\'s clusters'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "kube" -d 'Kubernetes: list clusters, select one, credentials for kubectl'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "recordings" -d 'Recordings of sessions: list, search, export, verify'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "play" -d 'Play a recording'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "join" -d 'Look on while a session goes on'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "keys" -d 'Show where the private keys of logins are, and move them'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "config" -d 'Show and change your settings'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "doctor" -d 'Look for what keeps a login or kubectl from working, and say what mends it'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "env" -d 'Print the environment variables that name the current login'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "version" -d 'Print the version'
complete -c tsh -n "__fish_tsh_using_subcommand help; and not __fish_seen_subcommand_from login logout status clusters kube recordings play join keys config doctor env version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "ls" -d 'List the Kubernetes clusters behind the gate'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "login" -d 'Write the kubeconfig entries of clusters, and select the context of a single one'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "use" -d 'Select a context, or list them'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "shell" -d 'Run a shell or a program that sees one context alone'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "logout" -d 'Take contexts out of the kubeconfig; the login stays'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from kube" -f -a "credentials" -d 'Print credentials for kubectl, which calls this by itself'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "ls" -d 'List recordings, live sessions first'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "search" -d 'Find a text that was on the screen or piped into a command'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "export" -d 'Write a recording as a file for other programs'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "verify" -d 'Check that a recording is what the gate wrote'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "keys" -d 'Print the public keys that sign recordings and those that did, for verify --key'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "ls" -d 'List each login\'s key store, and whether the key is there'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "move" -d 'Move keys into another store'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "view" -d 'Show the settings, checked'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "set" -d 'Change one setting; comments in the file stay'
complete -c tsh -n "__fish_tsh_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "unset" -d 'Take one setting away'

# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
function __fish_tsh_names
    set -g __fish_tsh_found (command tsh __complete fish (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
end

function __fish_tsh_values
    __fish_tsh_names
    and string join \n -- $__fish_tsh_found
end

complete -c tsh -n __fish_tsh_names -k -f -a '$__fish_tsh_found'
