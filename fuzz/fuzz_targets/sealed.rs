//! The sealed answer in the query of the callback: only what was sealed with the key is opened.

#![no_main]

use std::sync::LazyLock;

use jumpgate::wire::{
    login::LoginResponse,
    seal::{SealKey, Sealed},
};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<SealKey> = LazyLock::new(|| SealKey::from_hex(&"5a".repeat(32)).expect("a key"));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sealed) = serde_json::from_slice::<Sealed>(bytes) {
        assert!(KEY.open(&sealed).is_err(), "nobody sealed it");
    }
    let _ = serde_json::from_slice::<LoginResponse>(bytes);
    let sealed = KEY.seal(bytes).expect("sealed");
    let text = serde_json::to_string(&sealed).expect("a text");
    let read: Sealed = serde_json::from_str(&text).expect("its own text");
    assert_eq!(KEY.open(&read).expect("opened").as_slice(), bytes);
});
