//! Whatever comes between the store and a reader, and however it changes its transport: it is told every
//! number once and in order, and what it is not told is announced.

use proptest::prelude::*;

use super::{play::Play, steps::*};

async fn play(script: Script) {
    let mut play = Play::new(script.fates);
    for step in script.steps {
        play.step(step).await;
    }
    play.end(script.last).await;
}

proptest! {
    // What is not told is waited for, so a shorter case is not sought for long.
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn readers_change_their_transport_and_are_told_each_number_once_and_no_hole_in_silence(
        script in scripts(),
    ) {
        actix::System::new().block_on(async {
            // As a task among the others it has its turns between theirs.
            if let Err(end) = actix::spawn(play(script)).await {
                std::panic::resume_unwind(end.into_panic());
            }
        });
    }
}
