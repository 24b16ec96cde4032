//! The completion scripts: clap's own, which know commands and options, and in each a few lines that ask the program for names.

use clap_complete::Shell;

/// A script with the lines that ask `tool`.
pub(super) fn with_names(shell: Shell, tool: &str, script: &str) -> String {
    match shell {
        Shell::Bash => ask_first(script, tool, BASH),
        Shell::Zsh => ask_first(script, tool, ZSH),
        Shell::Fish => fish(script, tool),
        _ => script.to_owned(),
    }
}

/// The answer goes into the place of the last part of the word, as bash parts words.
const BASH: &str = r#"# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
_TOOL_names() {
    local found one
    found=$(command TOOL __complete bash "${COMP_WORDBREAKS}" "${COMP_WORDS[0]}" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null) || return 1
    COMPREPLY=()
    while IFS= read -r one; do
        [[ -z "${one}" ]] || COMPREPLY+=("${one}")
    done <<<"${found}"
    # Files are no names.
    compopt +o default +o bashdefault 2>/dev/null
    [[ "${#COMPREPLY[@]}" -ne 1 || "${COMPREPLY[0]}" != */ ]] || compopt -o nospace 2>/dev/null
    return 0
}

"#;

const ZSH: &str = r#"# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
_TOOL_names() {
    local text
    local -a found open
    text=$(command TOOL __complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null) || return 1
    found=("${(@f)text}")
    open=(${(M)found:#*/})
    found=(${found:#*/})
    (( ${#open} )) && _describe -V names open -S ''
    (( ${#found} )) && _describe -V names found
    return 0
}

"#;

/// Puts the function before the script's own, whose first line then calls it.
fn ask_first(script: &str, tool: &str, function: &str) -> String {
    let head = format!("_{tool}() {{\n");
    let asked = format!("{}{head}    _{tool}_names && return 0\n", function.replace("TOOL", tool));
    script.replacen(&head, &asked, 1)
}

const FISH: &str = r#"# Names (clusters, contexts, profiles) are the program's to say; it fails where it knows none.
function __fish_TOOL_names
    set -g __fish_TOOL_found (command TOOL __complete fish (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
end

function __fish_TOOL_values
    __fish_TOOL_names
    and string join \n -- $__fish_TOOL_found
end

complete -c TOOL -n __fish_TOOL_names -k -f -a '$__fish_TOOL_found'
"#;

/// The value of an option has a line of its own in fish's script: one that takes any text asks.
fn fish(script: &str, tool: &str) -> String {
    let values = format!(" -r -k -f -a '(__fish_{tool}_values)'");
    let lines = script.lines().map(|line| match line.strip_suffix(" -r") {
        Some(before) => format!("{before}{values}\n"),
        None => format!("{line}\n"),
    });
    lines.chain([format!("\n{}", FISH.replace("TOOL", tool))]).collect()
}
