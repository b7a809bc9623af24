use proptest::prelude::*;

use super::*;

#[test]
fn a_duration_needs_a_unit() {
    for (text, millis) in
        [("25s", 25_000), ("500ms", 500), ("10m", 600_000), ("90d", 7_776_000_000), ("0", 0)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for bad in ["", "25", "s", "-1s", "1.5s", "25 sec", "99999999999999999999s", "1h30m", "25S"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_size_is_bytes_or_a_binary_unit() {
    for (text, bytes) in
        [("65536", 65_536), ("64KiB", 65_536), ("1MiB", 1 << 20), ("0", 0), ("1 GiB", 1 << 30)]
    {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
    for bad in ["", "64KB", "64k", "-1", "1.5MiB", "KiB", "99999999999GiB"] {
        assert!(parse_size(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_duration_reads_back_as_it_was_written(millis in 0..u64::MAX / 2) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&format_duration(&duration)), Ok(duration));
    }

    #[test]
    fn any_text_is_an_amount_or_an_error(text in ".*") {
        let _ = (parse_duration(&text), parse_size(&text));
    }
}
