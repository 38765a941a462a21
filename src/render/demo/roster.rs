//! Who takes part in a round and who of them is drawn. Coaches do not take part; if there are more players than can
//! be drawn, the followed player comes first, then the enemies, then the player's own team.

use crate::render::scene::{MAX_PLAYERS, Player, Side, Undrawn};

use super::people::Person;

/// Players who are not drawn but known by name: together with the drawn ones, more than a server holds.
const MAX_UNDRAWN: usize = 64;
/// Size of the range of player numbers.
pub(super) const PLAYERS: usize = MAX_PLAYERS + MAX_UNDRAWN;

/// Assigns player numbers: below [`MAX_PLAYERS`] for players who are drawn, from there on for the others.
pub(super) struct Roster {
    followed: u64,
    coaches: Vec<Person>,
    /// Who is drawn, if there are too many.
    chosen: Option<Vec<Person>>,
    /// Drawn players, by number.
    pub players: Vec<Player>,
    /// The others.
    pub undrawn: Vec<Undrawn>,
}

impl Roster {
    /// For a round with these players, each with the side on which they began it.
    pub fn new(followed: u64, coaches: Vec<Person>, playing: &[(&Person, Side)]) -> Self {
        let chosen = (playing.len() > MAX_PLAYERS).then(|| choose(followed, playing));
        Self { followed, coaches, chosen, players: Vec::new(), undrawn: Vec::new() }
    }

    /// The number of a living player, assigned on first use. `None` for coaches.
    pub fn number(&mut self, steam64: u64, name: &str, side: Side) -> Option<usize> {
        let listed = |people: &[Person]| people.iter().any(|person| person.is(steam64, name));
        let same = |player: &Player| player.steam64 == steam64 && (steam64 != 0 || player.name == name);
        if listed(&self.coaches) {
            return None;
        }
        if let Some(known) = self.players.iter().position(same) {
            return Some(known);
        }
        let same = |undrawn: &Undrawn| undrawn.steam64 == steam64 && (steam64 != 0 || undrawn.name == name);
        if let Some(known) = self.undrawn.iter().position(same) {
            return Some(MAX_PLAYERS + known);
        }
        // One slot is reserved for the followed player.
        let waiting = steam64 != self.followed && self.players.iter().all(|player| player.steam64 != self.followed);
        let room = self.players.len() + usize::from(waiting) < MAX_PLAYERS;
        if room && self.chosen.as_deref().is_none_or(listed) {
            self.players.push(Player { steam64, name: name.to_owned(), ..Player::default() });
            return Some(self.players.len() - 1);
        }
        if self.undrawn.len() == MAX_UNDRAWN {
            return None;
        }
        self.undrawn.push(Undrawn { steam64, name: name.to_owned(), side });
        Some(MAX_PLAYERS + self.undrawn.len() - 1)
    }

    /// A player's index in the scene, where players who are not drawn follow directly after those who are.
    pub fn in_scene(&self, number: usize) -> usize {
        if number < MAX_PLAYERS { number } else { number - MAX_PLAYERS + self.players.len() }
    }
}

fn choose(followed: u64, playing: &[(&Person, Side)]) -> Vec<Person> {
    let is_followed = |person: &Person| person.steam64 == followed;
    let ours = playing.iter().find(|(person, _)| is_followed(person)).map_or(Side::None, |(_, side)| *side);
    let mut order: Vec<_> = playing.iter().collect();
    // Stable sort: within each group the demo's order is kept.
    order.sort_by_key(|(person, side)| (!is_followed(person), *side == ours));
    order.into_iter().take(MAX_PLAYERS).map(|(person, _)| (*person).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(terrorists: u64, others: u64) -> Vec<(Person, Side)> {
        let side = |number: u64| if number <= terrorists { Side::T } else { Side::Ct };
        (1..=terrorists + others).map(|number| (Person::new(number, format!("p{number}")), side(number))).collect()
    }

    #[test]
    fn followed_player_and_enemies_are_drawn_first() {
        // Players on each side; the followed one; who is drawn.
        let cases: [(u64, u64, u64, Vec<u64>); 7] = [
            (5, 5, 10, (1..=10).collect()),
            (8, 8, 16, (1..=16).collect()),
            (10, 10, 1, [1, 2, 3, 4, 5, 6].into_iter().chain(11..=20).collect()),
            (10, 10, 10, [1, 2, 3, 4, 5, 10].into_iter().chain(11..=20).collect()),
            (10, 10, 17, (1..=15).filter(|n| *n <= 10).chain([11, 12, 13, 14, 15, 17]).collect()),
            (12, 8, 12, (1..=7).chain(12..=20).collect()),
            (20, 2, 22, (1..=15).chain([22]).collect()),
        ];
        for (terrorists, others, followed, expected) in cases {
            let people = people(terrorists, others);
            let playing: Vec<_> = people.iter().map(|(person, side)| (person, *side)).collect();
            let mut roster = Roster::new(followed, Vec::new(), &playing);
            for (person, side) in &people {
                let number = roster.number(person.steam64, &person.name, *side).unwrap();
                assert_eq!(
                    number < MAX_PLAYERS,
                    expected.contains(&person.steam64),
                    "{terrorists}:{others} {}",
                    person.name
                );
                assert_eq!(roster.number(person.steam64, &person.name, *side), Some(number));
            }
            let mut drawn: Vec<_> = roster.players.iter().map(|player| player.steam64).collect();
            drawn.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(drawn, expected);
            assert_eq!(roster.players.len() + roster.undrawn.len(), people.len());
        }
    }

    #[test]
    fn slot_is_reserved_for_a_followed_player_unknown_to_the_first_pass() {
        let mut roster = Roster::new(99, Vec::new(), &[]);
        let numbers: Vec<_> = (1..=20).map(|id| roster.number(id, "x", Side::T).unwrap()).collect();
        assert_eq!(numbers.iter().filter(|number| **number < MAX_PLAYERS).count(), MAX_PLAYERS - 1);
        assert_eq!(roster.number(99, "late", Side::Ct), Some(MAX_PLAYERS - 1));
        assert_eq!(roster.in_scene(MAX_PLAYERS - 1), MAX_PLAYERS - 1);
        assert_eq!(roster.in_scene(MAX_PLAYERS + 2), MAX_PLAYERS + 2);
    }

    #[test]
    fn coaches_have_no_number() {
        let coach = Person::new(7, "coach".to_owned());
        let mut roster = Roster::new(1, vec![coach], &[]);
        assert_eq!(roster.number(7, "coach", Side::T), None);
        assert_eq!(roster.number(1, "player", Side::T), Some(0));
    }
}
