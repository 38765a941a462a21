//! Describes a match to forge. Plain data.
//!
//! Players are indices into [`Match::players`]; times are in ticks.

/// A whole match.
#[derive(Clone, Debug)]
pub struct Match {
    /// The map's name.
    pub map: &'static str,
    /// The game mode.
    pub game: Game,
    /// Ticks per second, usually [`TICK_RATE`](super::TICK_RATE).
    pub tick_rate: i32,
    /// The two teams; the first begins as terrorists.
    pub teams: [&'static str; 2],
    /// Everyone who ever takes part.
    pub players: Vec<Player>,
    /// What happens, in order.
    pub stages: Vec<Stage>,
    /// Bytes of voice per tick. Nothing reads them, but they make a demo as large as those of long matches are.
    pub voice_bytes: usize,
}

/// Game mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Game {
    /// Rounds with a bomb and two sites.
    Competitive,
    /// Deathmatch: no rounds.
    Deathmatch,
    /// Another Source 2 game, by the name of its directory: it has other entity classes, and nothing happens in it.
    Other(&'static str),
}

/// A player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    /// 64-bit Steam ID; 0 for a bot.
    pub steam64: u64,
    /// Any characters.
    pub name: &'static str,
    /// Index into [`Match::teams`].
    pub team: usize,
}

/// A part of a match.
#[derive(Clone, Debug)]
pub enum Stage {
    /// A warm-up round, which does not count and has no freeze time.
    Warmup(Round),
    /// A round.
    Round(Round),
    /// A restored backup: the match continues from where it last stood after this many rounds, which may undo an
    /// earlier restore. With 0, a restart.
    Rewind(usize),
    /// A restored backup from before the recording, with the number of rounds and the score.
    Load(usize, [i32; 2]),
    /// The teams swap sides.
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

/// Reason for the end of a round, with the game's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bomb went off.
    Bombed = 1,
    /// The bomb was defused.
    Defused = 7,
    /// All terrorists were eliminated.
    CtWin = 8,
    /// All counter-terrorists were eliminated.
    TWin = 9,
    /// Time ran out.
    Saved = 12,
}

/// A round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Length of freeze time in ticks.
    pub freeze_ticks: i32,
    /// Ticks from there until the round is decided.
    pub live_ticks: i32,
    /// Ticks from there until the next stage.
    pub after_ticks: i32,
    /// The winner.
    pub winner: Side,
    /// The reason.
    pub reason: Reason,
    /// Ticks from plant to explosion.
    pub fuse_ticks: i32,
    /// The player who starts with the bomb.
    pub bomb: Option<usize>,
    /// The players of the round and their routes; players not listed are not on the server.
    pub parts: Vec<Part>,
    /// What they do, in any order.
    pub acts: Vec<Act>,
}

impl Round {
    /// Adds a coach, who joins a side, stands still, and is killed when freeze time ends.
    #[must_use]
    pub fn with_coach(mut self, player: usize, at: [f32; 3]) -> Self {
        self.parts.push(Part { player, from: at, steps: Vec::new(), weapon: "knife" });
        self.acts.push(Act { at: 0, who: player, what: What::Die });
        self
    }

    /// Makes it a knife round: nobody has another weapon, and nobody is hurt.
    #[must_use]
    pub fn with_knives(mut self) -> Self {
        self.parts.iter_mut().for_each(|part| part.weapon = "knife");
        self.acts.clear();
        self
    }
}

/// A player's route through a round.
#[derive(Clone, Debug)]
pub struct Part {
    /// The player.
    pub player: usize,
    /// Start position.
    pub from: [f32; 3],
    /// Steps of the route.
    pub steps: Vec<Step>,
    /// First active weapon.
    pub weapon: &'static str,
}

/// A step of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Run to a position.
    Run([f32; 3]),
    /// Walk quietly to a position.
    Walk([f32; 3]),
    /// Stay for this many ticks.
    Wait(i32),
}

/// An action of a player.
#[derive(Clone, Debug)]
pub struct Act {
    /// Ticks after freeze time.
    pub at: i32,
    /// The player.
    pub who: usize,
    /// The action.
    pub what: What,
}

/// Kinds of actions.
#[derive(Clone, Debug)]
pub enum What {
    /// Kills a player.
    Kill(Kill),
    /// Damages a player: health and armor.
    Hurt(usize, i32, i32),
    /// Switches to a weapon.
    Hold(&'static str),
    /// Carries a weapon without switching to it.
    Carry(&'static str),
    /// Switches to the carried bomb.
    HoldBomb,
    /// Commits suicide.
    Die,
    /// Fires this many times.
    Shoot(i32),
    /// Throws a grenade.
    Throw(Throw),
    /// Starts to plant the bomb here, at site `A` or `B`.
    BeginPlant(char),
    /// Stops planting.
    AbortPlant,
    /// Plants the bomb here, at site `A` or `B`.
    Plant(char),
    /// Starts to defuse; takes this many ticks.
    Defuse(i32),
    /// Stops defusing.
    AbortDefuse,
    /// Drops the bomb.
    DropBomb,
    /// Picks up the bomb.
    TakeBomb,
    /// Leaves the server.
    Leave,
    /// Is out of the recorder's sight, as in a recording by a player, or in it again.
    Hide(bool),
}

/// A kill with the active weapon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kill {
    /// The victim.
    pub victim: usize,
    /// The assisting player.
    pub assister: Option<usize>,
    /// The assist was a flashbang.
    pub flash_assist: bool,
    /// A headshot.
    pub headshot: bool,
    /// Through a wall.
    pub wallbang: bool,
    /// Through smoke.
    pub through_smoke: bool,
    /// Without the scope.
    pub noscope: bool,
    /// While the killer was flashed.
    pub blind: bool,
}

/// Grenade types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grenade {
    /// Smoke for eighteen seconds.
    Smoke,
    /// Explodes; damage is described by other actions.
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
    /// The grenade.
    pub grenade: Grenade,
    /// Where it lands.
    pub to: [f32; 3],
    /// Who is flashed, and for how many seconds.
    pub blinds: Vec<(usize, f32)>,
}
