//! Who listens: how many sessions a message has to reach.

use super::client::Client;

/// Who listens.
#[derive(Default)]
pub struct Crowd {
    /// Not let in yet.
    pub opening: usize,
    pub ready: usize,
    /// Those that read, by room and by user.
    in_rooms: Vec<usize>,
    of_users: Vec<usize>,
    /// Who has become ready, for whoever wants to know.
    pub newcomers: Vec<usize>,
}

impl Crowd {
    /// A client is ready.
    pub fn enter(&mut self, number: usize, client: &Client) {
        self.opening = self.opening.saturating_sub(1);
        self.ready += 1;
        self.newcomers.push(number);
        if !client.is_silent {
            change(&mut self.of_users, client.user, 1);
            if let Some(room) = client.room {
                change(&mut self.in_rooms, room, 1);
            }
        }
    }

    /// A client is gone, ready or not.
    pub fn leave(&mut self, client: &Client) {
        if !client.is_ready() {
            self.opening = self.opening.saturating_sub(1);
            return;
        }
        self.ready = self.ready.saturating_sub(1);
        if !client.is_silent {
            change(&mut self.of_users, client.user, -1);
            if let Some(room) = client.room {
                change(&mut self.in_rooms, room, -1);
            }
        }
    }

    /// How many read in a room.
    pub fn in_room(&self, room: usize) -> usize {
        self.in_rooms.get(room).copied().unwrap_or_default()
    }

    /// How many sessions of a user read.
    pub fn of_user(&self, user: usize) -> usize {
        self.of_users.get(user).copied().unwrap_or_default()
    }
}

fn change(counts: &mut Vec<usize>, place: usize, by: isize) {
    if counts.len() <= place {
        counts.resize(place + 1, 0);
    }
    if let Some(count) = counts.get_mut(place) {
        *count = count.saturating_add_signed(by);
    }
}
