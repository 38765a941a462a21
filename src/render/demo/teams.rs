//! Tells the two teams of a match apart although they change sides. Pure: no parser, no files.

use std::collections::HashMap;

use crate::render::scene::Side;

/// The two teams. Team 0 began as terrorists.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Teams {
    /// Each person's team: the one they played for first.
    of: HashMap<usize, usize>,
    /// The team that played as terrorists in each round.
    terrorists: Vec<usize>,
}

impl Teams {
    /// From the people of each round, in order, with their sides. The teams have changed sides when most of the people
    /// who are already known have.
    pub fn of(rounds: &[Vec<(usize, Side)>]) -> Self {
        let (mut of, mut terrorists, mut now) = (HashMap::new(), Vec::new(), 0);
        for round in rounds {
            let team = |side: Side, terrorists: usize| if side == Side::T { terrorists } else { 1 - terrorists };
            let known = round.iter().filter_map(|(person, side)| Some((of.get(person)?, team(*side, now))));
            let (stayed, changed): (Vec<_>, Vec<_>) = known.partition(|(theirs, at)| *theirs == at);
            if changed.len() > stayed.len() {
                now = 1 - now;
            }
            for &(person, side) in round {
                of.entry(person).or_insert(team(side, now));
            }
            terrorists.push(now);
        }
        Self { of, terrorists }
    }

    /// A person's team.
    pub fn team(&self, person: usize) -> Option<usize> {
        self.of.get(&person).copied()
    }

    /// What the teams are called: by their last names in the demo, given the names of the terrorists and the
    /// counter-terrorists in each round; by number if these do not tell them apart.
    pub fn names(&self, by_round: &[[&str; 2]]) -> [String; 2] {
        let name = |team: usize| {
            let named = by_round.iter().zip(&self.terrorists).rev();
            let mut names = named.map(|(names, terrorists)| names[usize::from(*terrorists != team)]);
            names.find(|name| !name.is_empty()).unwrap_or_default()
        };
        let names = [name(0), name(1)];
        if names[0] == names[1] || names.contains(&"") {
            return ["Team 1".to_owned(), "Team 2".to_owned()];
        }
        names.map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Ct, T};

    #[test]
    fn teams_are_followed_through_changes_of_sides_and_substitutions() {
        let teams = Teams::of(&[
            vec![(0, T), (1, T), (2, Ct), (3, Ct)],
            vec![(0, Ct), (1, Ct), (2, T), (3, T)],
            // One of each team is replaced.
            vec![(0, Ct), (4, Ct), (2, T), (5, T)],
            vec![(0, T), (4, T), (2, Ct), (5, Ct)],
            // One player changes teams.
            vec![(0, Ct), (4, T), (2, Ct), (5, Ct)],
        ]);
        assert_eq!(teams.terrorists, [0, 1, 1, 0, 0]);
        let of: Vec<_> = (0..7).map(|person| teams.team(person)).collect();
        assert_eq!(of, [Some(0), Some(0), Some(1), Some(1), Some(0), Some(1), None]);
    }

    #[test]
    fn team_names_follow_the_sides_and_are_numbers_without_names() {
        let teams = Teams::of(&[vec![(0, T), (1, Ct)], vec![(0, Ct), (1, T)]]);
        let cases = [
            ([["Oaks", "Pines"], ["Pines", "Oaks"]], ["Oaks", "Pines"]),
            ([["", ""], ["Pines", "Oaks"]], ["Oaks", "Pines"]),
            ([["Oaks", "Pines"], ["", ""]], ["Oaks", "Pines"]),
            ([["Oaks", ""], ["", "Oaks"]], ["Team 1", "Team 2"]),
            ([["Mix", "Mix"], ["Mix", "Mix"]], ["Team 1", "Team 2"]),
            ([["", ""], ["", ""]], ["Team 1", "Team 2"]),
        ];
        for (by_round, names) in cases {
            assert_eq!(teams.names(&by_round), names, "{by_round:?}");
        }
        assert_eq!(Teams::of(&[]).names(&[]), ["Team 1", "Team 2"]);
    }
}
