//! What is to be forged: a match told in a few words. Plain data.
//!
//! Players are named by their place in [`Match::players`]; times are ticks ([`TICK_RATE`](super::TICK_RATE) a second).

/// A whole match.
#[derive(Clone, Debug)]
pub struct Match {
    /// The map's name.
    pub map: &'static str,
    /// How it is played.
    pub game: Game,
    /// Names of the two teams; the first begins as terrorists.
    pub teams: [&'static str; 2],
    /// Everybody who ever takes part.
    pub players: Vec<Player>,
    /// What happens, one after another.
    pub stages: Vec<Stage>,
}

/// How a match is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Game {
    /// Rounds, a bomb, two sites.
    Competitive,
    /// Everybody against everybody, no rounds.
    Deathmatch,
    /// Another game of the same engine, by the name of its folder: it has none of this one's classes, and nothing is
    /// played in it.
    Other(&'static str),
}

/// Somebody who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    /// 64-bit Steam ID; 0 is a bot.
    pub steam64: u64,
    /// Any characters at all.
    pub name: &'static str,
    /// Which of [`Match::teams`].
    pub team: usize,
}

/// Part of a match.
#[derive(Clone, Debug)]
pub enum Stage {
    /// A round that counts for nothing and has no freeze time.
    Warmup(Round),
    /// A round.
    Round(Round),
    /// The match goes to where it last stood after so many rounds: a restored backup, which may also bring back what an
    /// earlier one has undone, or with 0 a restart.
    Rewind(usize),
    /// A backup from before the recording is loaded: the match stands after so many rounds, and this is the score.
    Load(usize, [i32; 2]),
    /// The teams change sides.
    SwapSides,
    /// The N-th overtime begins.
    Overtime(u32),
}

/// A side of the game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Terrorists.
    T = 2,
    /// Counter-terrorists.
    Ct = 3,
}

/// Why a round ends, by the game's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bomb went off.
    Bombed = 1,
    /// The bomb was defused.
    Defused = 7,
    /// Counter-terrorists are all that is left.
    CtWin = 8,
    /// Terrorists are all that is left.
    TWin = 9,
    /// Time ran out.
    Saved = 12,
}

/// A round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Ticks in which nobody may move yet.
    pub freeze_ticks: i32,
    /// Ticks from there until the round is decided.
    pub live_ticks: i32,
    /// Ticks from there until the next stage.
    pub after_ticks: i32,
    /// Who wins.
    pub winner: Side,
    /// Why.
    pub reason: Reason,
    /// Ticks from a plant to the explosion.
    pub fuse_ticks: i32,
    /// Who carries the bomb at first.
    pub bomb: Option<usize>,
    /// Who is there and where they go; those who are missing here are not on the server.
    pub parts: Vec<Part>,
    /// What they do, in any order.
    pub acts: Vec<Act>,
}

impl Round {
    /// The same round with a coach: he takes his side, stands still, and dies by his own hand when freeze time ends.
    #[must_use]
    pub fn with_coach(mut self, player: usize, at: [f32; 3]) -> Self {
        self.parts.push(Part { player, from: at, steps: Vec::new(), weapon: "knife" });
        self.acts.push(Act { at: 0, who: player, what: What::Die });
        self
    }

    /// The same round, fought with knives: everybody has nothing else, and nobody is hurt.
    #[must_use]
    pub fn with_knives(mut self) -> Self {
        self.parts.iter_mut().for_each(|part| part.weapon = "knife");
        self.acts.clear();
        self
    }
}

/// A player's way through a round.
#[derive(Clone, Debug)]
pub struct Part {
    /// Whose.
    pub player: usize,
    /// Where it begins.
    pub from: [f32; 3],
    /// Where it goes.
    pub steps: Vec<Step>,
    /// What is in hand at first.
    pub weapon: &'static str,
}

/// A piece of a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Run to a place.
    Run([f32; 3]),
    /// Walk quietly to a place.
    Walk([f32; 3]),
    /// Stay for so many ticks.
    Wait(i32),
}

/// Something that a player does.
#[derive(Clone, Debug)]
pub struct Act {
    /// Ticks after freeze time.
    pub at: i32,
    /// Who.
    pub who: usize,
    /// What.
    pub what: What,
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum What {
    /// Kills somebody.
    Kill(Kill),
    /// Hurts somebody: health and armour taken.
    Hurt(usize, i32, i32),
    /// Takes another weapon in hand.
    Hold(&'static str),
    /// Has a weapon with him that is not in hand.
    Carry(&'static str),
    /// Takes the bomb that he carries in hand.
    HoldBomb,
    /// Dies by his own hand.
    Die,
    /// Shoots so many times.
    Shoot(i32),
    /// Throws a grenade.
    Throw(Throw),
    /// Has planted the bomb here, at site `A` or `B`.
    Plant(char),
    /// Begins to defuse; done after so many ticks.
    Defuse(i32),
    /// Lets the bomb fall.
    DropBomb,
    /// Picks the bomb up.
    TakeBomb,
    /// Leaves the server.
    Leave,
}

/// How somebody is killed, with what the killer has in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kill {
    /// Who dies.
    pub victim: usize,
    /// Who helped.
    pub assister: Option<usize>,
    /// The help was a flashbang.
    pub flash_assist: bool,
    /// In the head.
    pub headshot: bool,
    /// Through a wall.
    pub wallbang: bool,
    /// Through smoke.
    pub through_smoke: bool,
    /// Without the scope.
    pub noscope: bool,
    /// While the killer was blind.
    pub blind: bool,
}

/// Grenades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grenade {
    /// Stands for eighteen seconds.
    Smoke,
    /// Hurts; whom, other acts say.
    He,
    /// Blinds.
    Flash,
    /// Burns for seven seconds.
    Fire,
    /// Makes noise.
    Decoy,
}

/// A throw.
#[derive(Clone, Debug)]
pub struct Throw {
    /// What flies.
    pub grenade: Grenade,
    /// Where it lands.
    pub to: [f32; 3],
    /// Whom a flashbang blinds, and for how many seconds.
    pub blinds: Vec<(usize, f32)>,
}
