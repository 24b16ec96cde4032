# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tctl_global_optspecs
    string join \n d/debug c/config= i/identity= auth-server= h/help V/version
end

function __fish_tctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tctl_using_subcommand
    set -l cmd (__fish_tctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tctl -n "__fish_tctl_needs_command" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_needs_command" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_needs_command" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_needs_command" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_needs_command" -s h -l help -d 'Print help'
complete -c tctl -n "__fish_tctl_needs_command" -s V -l version -d 'Print version'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "create" -d 'Create resources from files'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "get" -d 'Show resources'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "rm" -d 'Remove a resource'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "events" -d 'The audit log: who did what'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "audit" -d 'The audit log: who did what'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "recordings" -d 'Recordings of sessions: the key that signs them'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "sessions" -d 'Live sessions: list and end them'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "version" -d 'Print the version'
complete -c tctl -n "__fish_tctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand create" -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand create" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand create" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand create" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand create" -s f -l force -d 'Overwrite what is there'
complete -c tctl -n "__fish_tctl_using_subcommand create" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand get" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand get" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand get" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand get" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand get" -l with-secrets -d 'Show secrets too, such as a connector\'s client secret'
complete -c tctl -n "__fish_tctl_using_subcommand get" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand rm" -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand rm" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand rm" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand rm" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand rm" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -s h -l help -d 'Print help'
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c tctl -n "__fish_tctl_using_subcommand events; and not __fish_seen_subcommand_from ls help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l since -d 'From then on: 30m, 2h or 7d ago, a day, or an instant [default: 24h ago]' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l until -d 'Before then [default: now]' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l type -d 'Only of this type, such as exec, or of those below it: session has session.start too; may be repeated' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l user -d 'Only what this person did' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l limit -d 'At most so many: the last ones' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c tctl -n "__fish_tctl_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -s h -l help -d 'Print help'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and not __fish_seen_subcommand_from ls help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l since -d 'From then on: 30m, 2h or 7d ago, a day, or an instant [default: 24h ago]' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l until -d 'Before then [default: now]' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l type -d 'Only of this type, such as exec, or of those below it: session has session.start too; may be repeated' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l user -d 'Only what this person did' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l limit -d 'At most so many: the last ones' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c tctl -n "__fish_tctl_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -s h -l help -d 'Print help'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -f -a "rotate-key" -d 'Make a new key that signs recordings from now on'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and not __fish_seen_subcommand_from rotate-key help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from rotate-key" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "rotate-key" -d 'Make a new key that signs recordings from now on'
complete -c tctl -n "__fish_tctl_using_subcommand recordings; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -s h -l help -d 'Print help'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -f -a "ls" -d 'List the sessions that go on at this moment'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -f -a "kill" -d 'End a session; its user reads why'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and not __fish_seen_subcommand_from ls kill help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -l user -d 'Only sessions of this person' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -l cluster -d 'Only those in this cluster' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -l reason -d 'What its user reads, in one line of at most 512 bytes' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -l format -d 'How to write what was done' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from kill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "ls" -d 'List the sessions that go on at this moment'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "kill" -d 'End a session; its user reads why'
complete -c tctl -n "__fish_tctl_using_subcommand sessions; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand status" -l format -d 'The form' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand status" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand status" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand status" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand status" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand version" -l format -d 'How to write it' -r -f -a "text\t'For people'
json\t'JSON, indented by four spaces'
yaml\t'YAML'"
complete -c tctl -n "__fish_tctl_using_subcommand version" -s c -l config -d 'On the gate\'s own machine alone: its configuration file, to act as its administrator; elsewhere leave it out and the tsh login is used [default: /etc/jumpgate.yaml, /etc/teleport.yaml]' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand version" -s i -l identity -d 'An identity file, as `tsh login --out` writes it' -r -F
complete -c tctl -n "__fish_tctl_using_subcommand version" -l auth-server -d 'The admin API\'s address; needed with --identity' -r -k -f -a '(__fish_tctl_values)'
complete -c tctl -n "__fish_tctl_using_subcommand version" -s d -s v -l debug -l verbose -d 'Write what happens, each network call among it, to standard error'
complete -c tctl -n "__fish_tctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "create" -d 'Create resources from files'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "get" -d 'Show resources'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "rm" -d 'Remove a resource'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "events" -d 'The audit log: who did what'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "recordings" -d 'Recordings of sessions: the key that signs them'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "sessions" -d 'Live sessions: list and end them'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "status" -d 'Show the cluster and the pin of its CA'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "version" -d 'Print the version'
complete -c tctl -n "__fish_tctl_using_subcommand help; and not __fish_seen_subcommand_from create get rm events recordings sessions status version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tctl -n "__fish_tctl_using_subcommand help; and __fish_seen_subcommand_from events" -f -a "ls" -d 'List events of the audit log, the oldest first'
complete -c tctl -n "__fish_tctl_using_subcommand help; and __fish_seen_subcommand_from recordings" -f -a "rotate-key" -d 'Make a new key that signs recordings from now on'
complete -c tctl -n "__fish_tctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "ls" -d 'List the sessions that go on at this moment'
complete -c tctl -n "__fish_tctl_using_subcommand help; and __fish_seen_subcommand_from sessions" -f -a "kill" -d 'End a session; its user reads why'

# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
function __fish_tctl_names
    set -g __fish_tctl_found (command tctl __complete fish (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
end

function __fish_tctl_values
    __fish_tctl_names
    and string join \n -- $__fish_tctl_found
end

complete -c tctl -n __fish_tctl_names -k -f -a '$__fish_tctl_found'
