//! Questions and answers as they travel, small enough for the bus.

use serde::{Deserialize, Serialize};

use super::messages::{Answer, Question};
use crate::bridge::messages::TELL_BYTES_MAX;

/// A question to all; `id` is the asker's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub id: u64,
    pub question: Question,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    pub id: u64,
    pub answer: Answer,
    /// Nothing was left out.
    pub is_whole: bool,
}

/// The text of an answer. One that is too large loses its end; `None` if even that does not help.
pub fn answer_text(id: u64, mut answer: Answer) -> Option<String> {
    let mut is_whole = true;
    loop {
        let answered = Answered { id, answer, is_whole };
        let text = serde_json::to_string(&answered).ok()?;
        if text.len() <= TELL_BYTES_MAX {
            return Some(text);
        }
        (answer, is_whole) = (answered.answer, false);
        let is_shorter = match &mut answer {
            Answer::Sessions(sessions) => halve(sessions),
            Answer::Rooms(rooms) => halve(rooms),
            Answer::Stats(_) => false,
        };
        if !is_shorter {
            return None;
        }
    }
}

fn halve<T>(items: &mut Vec<T>) -> bool {
    let is_long = !items.is_empty();
    items.truncate(items.len() / 2);
    is_long
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Position,
        hub::messages::{RoomView, SessionFilter},
    };

    #[test]
    fn a_question_reads_back() {
        let filter = SessionFilter { user: Some("alice".parse().unwrap()), ..SessionFilter::default() };
        for question in [
            Question::Stats,
            Question::Sessions { filter, limit: 5 },
            Question::Rooms { prefix: "chat:".to_owned(), limit: 200 },
        ] {
            let text = serde_json::to_string(&Asked { id: 7, question: question.clone() }).unwrap();
            assert_eq!(serde_json::from_str::<Asked>(&text).unwrap().question, question);
        }
    }

    #[test]
    fn an_answer_fits_the_bus_and_says_when_it_is_not_whole() {
        let room = |i: usize| RoomView {
            room: format!("{i:0128}").parse().unwrap(),
            sessions: 1,
            user_count: 1,
            position: Position::START,
        };
        for (count, is_whole) in [(0, true), (200, true), (2000, false)] {
            let rooms: Vec<RoomView> = (0..count).map(room).collect();
            let text = answer_text(1, Answer::Rooms(rooms.clone())).unwrap();
            let answered: Answered = serde_json::from_str(&text).unwrap();
            let Answer::Rooms(kept) = answered.answer else { panic!() };
            assert!(text.len() <= TELL_BYTES_MAX && rooms.starts_with(&kept));
            assert_eq!((answered.is_whole, kept.len() == count), (is_whole, is_whole));
        }
    }
}
