//! Which contexts are production: what a person should not select by a slip of the hand.

use crate::client::kubeconfig::ContextInfo;

const WORDS: [&str; 4] = ["prod", "production", "prd", "live"];

/// Whether a context is marked so: by the label `env` of its cluster, or by a word of its name.
pub(crate) fn is(context: &ContextInfo) -> bool {
    match context.labels.get("env") {
        Some(env) => WORDS.contains(&env.to_lowercase().as_str()),
        None => has_word(&context.name),
    }
}

fn has_word(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_ascii_alphabetic());
    words.into_iter().any(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_name_marks_it() {
        for name in ["prod", "eu-prod-1", "gate.example.com-production", "PROD_eu", "prod2"] {
            assert!(has_word(name), "{name}");
        }
        for name in ["staging", "product-search", "reproduction", "nonprod"] {
            assert!(!has_word(name), "{name}");
        }
    }
}
