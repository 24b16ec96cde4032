//! The nouns that client and server share.
