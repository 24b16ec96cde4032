//! The documents of `tctl create`: what is read and written back is the same when it is read again.

#![no_main]

use jumpgate::model::{Resource, yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(all) = Resource::read_all(text) else { return };
    for one in all {
        let value = serde_json::to_value(&one).expect("a resource is a value");
        let written = yaml::write(&value).expect("a value has a text");
        let again = Resource::read_all(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(again, [one]);
    }
});
