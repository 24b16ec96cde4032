# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_jumpgate_global_optspecs
    string join \n h/help V/version
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

complete -c jumpgate -n "__fish_jumpgate_needs_command" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "tsh" -d 'The client: log in, then use kubectl'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "tctl" -d 'The admin tool: say who may do what'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "generate" -d 'Write completions/ and man/ anew'
complete -c jumpgate -n "__fish_jumpgate_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from version help" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from version help" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from version help" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from version help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and not __fish_seen_subcommand_from version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tsh; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -s V -l version -d 'Print version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and not __fish_seen_subcommand_from create get rm status version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s f -l force -d 'Overwrite what is there'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -l with-secrets -d 'Show secrets too, such as a connector\'s client secret'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s c -l config -d 'The gate\'s configuration file, on the gate\'s own machine [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -l auth-server -d 'The admin API\'s address; needed with --identity' -r
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s d -l debug -d 'Write what happens to standard error'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand tctl; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand generate" -l to -d 'The folder that holds both' -r -F
complete -c jumpgate -n "__fish_jumpgate_using_subcommand generate" -s h -l help -d 'Print help'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from tsh tctl generate help" -f -a "tsh" -d 'The client: log in, then use kubectl'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from tsh tctl generate help" -f -a "tctl" -d 'The admin tool: say who may do what'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from tsh tctl generate help" -f -a "generate" -d 'Write completions/ and man/ anew'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and not __fish_seen_subcommand_from tsh tctl generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tsh" -f -a "version" -d 'Print the version'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "create" -d 'Create resources from files'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "get" -d 'Show resources'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "rm" -d 'Remove a resource'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c jumpgate -n "__fish_jumpgate_using_subcommand help; and __fish_seen_subcommand_from tctl" -f -a "version" -d 'Print the version'
