//! Chance, from the operating system's source by way of the crypto library.

use std::time::Duration;

/// 64 random bits.
pub fn bits() -> u64 {
    let mut bytes = [0; 8];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        // Without a source of chance the process could not have made its keys; spreading and naming
        // do not need an unpredictable number, only a different one.
        return std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
    }
    u64::from_ne_bytes(bytes)
}

/// 256 bits that nobody can guess; `None` where the system has no chance to give.
pub fn secret() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| bytes)
}

/// A number in `0.0..1.0`.
pub fn fraction() -> f64 {
    (bits() >> 11) as f64 / (1u64 << 53) as f64
}

/// A random time from zero up to `max`: full jitter, so that many clients do not come back at once (T18).
pub fn up_to(max: Duration) -> Duration {
    max.mul_f64(fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_bounds() {
        let max = Duration::from_secs(2);
        let waits: Vec<Duration> = (0..1000).map(|_| up_to(max)).collect();
        assert!(waits.iter().all(|wait| *wait <= max));
        assert!(waits.iter().any(|wait| *wait < max / 2) && waits.iter().any(|wait| *wait > max / 2));
    }
}
