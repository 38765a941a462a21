//! Plays a described match into a recording, stage by stage and tick by tick.

use super::bomb::Bomb;
use super::cast::{self, Cast, Seat};
use super::classes::{GAME_RULES, TEAM, WORLD};
use super::description::{Act, Game, Kill, Match, Round, Side, Stage, What};
use super::events;
use super::recorder::{self, Recorder};
use super::schema::{Prop, Value};
use super::throws::{self, Throws};
use super::walk;

const TEAM_NUMBER: Prop = TEAM.prop("m_iTeamNum");
const TEAM_SCORE: Prop = TEAM.prop("m_iScore");
const TEAM_NAME: Prop = TEAM.prop("m_szTeamname");
const CLAN_NAME: Prop = TEAM.prop("m_szClanTeamname");
const FREEZE: Prop = GAME_RULES.prop("m_pGameRules.m_bFreezePeriod");
const WARMUP: Prop = GAME_RULES.prop("m_pGameRules.m_bWarmupPeriod");
const ROUND_TIME: Prop = GAME_RULES.prop("m_pGameRules.m_iRoundTime");
const ROUND_START: Prop = GAME_RULES.prop("m_pGameRules.m_fRoundStartTime");
const PHASE: Prop = GAME_RULES.prop("m_pGameRules.m_gamePhase");
const PLAYED: Prop = GAME_RULES.prop("m_pGameRules.m_totalRoundsPlayed");
const OVERTIME: Prop = GAME_RULES.prop("m_pGameRules.m_nOvertimePlaying");
const STARTED: Prop = GAME_RULES.prop("m_pGameRules.m_bHasMatchStarted");
const PLANTED: Prop = GAME_RULES.prop("m_pGameRules.m_bBombPlanted");
const WIN_STATUS: Prop = GAME_RULES.prop("m_pGameRules.m_iRoundWinStatus");
const WIN_REASON: Prop = GAME_RULES.prop("m_pGameRules.m_eRoundWinReason");

/// Fixed entity slots.
const WORLD_SLOT: u16 = 0;
const TEAM_SLOTS: u16 = 65;
const RULES_SLOT: u16 = 71;
const TEAM_NAMES: [&str; 4] = ["Unassigned", "Spectator", "TERRORIST", "CT"];
/// The game's numbers for its phases.
const PHASE_WARMUP: i32 = 1;
const PHASE_FIRST_HALF: i32 = 2;
const PHASE_SECOND_HALF: i32 = 3;
const PHASE_OVER: i32 = 5;
/// Round time in seconds.
const ROUND_SECONDS: i32 = 115;
/// Ticks between shots; a kill takes a burst of three.
const BURST_TICKS: i32 = 7;
const BURST: i32 = 3;
/// Ticks for which a grenade is the active weapon before and after a throw.
const GRENADE_IN_HAND_TICKS: i32 = 40;
const GRENADE_GONE_TICKS: i32 = 12;
/// Ticks between updates of who has spotted whom.
const SPOT_TICKS: i32 = 4;
/// Idle ticks after a restart.
const RESTART_TICKS: i32 = 32;

/// Forges the demo of a match.
pub fn play(game: &Match) -> Vec<u8> {
    if let Game::Other(folder) = game.game {
        return recorder::of_another_game(game.map, folder);
    }
    let mut director = Director::new(game);
    for stage in &game.stages {
        director.stage(stage);
    }
    director.finish()
}

struct Director<'a> {
    game: &'a Match,
    recorder: Recorder,
    cast: Cast,
    /// Rounds played.
    played: usize,
    /// Score after each number of rounds, as the match last stood there: the server's backups.
    backups: Vec<[i32; 2]>,
    swapped: bool,
    started: bool,
}

impl<'a> Director<'a> {
    fn new(game: &'a Match) -> Self {
        // The game's numbers for types and modes.
        let (kind, mode) = match game.game {
            Game::Competitive | Game::Other(_) => ("0", "1"),
            Game::Deathmatch => ("1", "2"),
        };
        let players = game.players.iter().map(|player| (player.name, player.steam64));
        let recorder = Recorder::new(
            game.map,
            game.tick_rate,
            game.voice_bytes,
            &[("game_type", kind), ("game_mode", mode)],
            players,
        );
        let mut director = Self {
            game,
            recorder,
            cast: Cast::new(),
            played: 0,
            backups: vec![[0; 2]],
            swapped: false,
            started: false,
        };
        director.create_permanent_entities();
        director
    }

    /// Creates the permanent entities.
    fn create_permanent_entities(&mut self) {
        let world = &mut self.recorder.world;
        world.create_at(WORLD_SLOT, &WORLD);
        for (number, name) in (0..).zip(TEAM_NAMES) {
            let slot = world.create_at(TEAM_SLOTS + number, &TEAM);
            world.set_int(slot, TEAM_NUMBER, number);
            world.set(slot, TEAM_NAME, Value::Text(name.to_owned()));
        }
        world.create_at(RULES_SLOT, &GAME_RULES);
        world.set_int(RULES_SLOT, ROUND_TIME, ROUND_SECONDS);
        self.teams();
    }

    fn rule(&mut self, prop: Prop, value: impl Into<i64>) {
        self.recorder.world.set_int(RULES_SLOT, prop, value);
    }

    fn score(&self) -> [i32; 2] {
        self.backups.get(self.played).copied().unwrap_or_default()
    }

    fn side(&self, team: usize) -> Side {
        if (team == 0) == self.swapped { Side::Ct } else { Side::T }
    }

    /// Sets names and scores for the teams' current sides.
    fn teams(&mut self) {
        for (team, name) in self.game.teams.iter().enumerate() {
            let slot = TEAM_SLOTS + self.side(team) as u16;
            let score = self.score()[team];
            self.recorder.world.set_int(slot, TEAM_SCORE, score);
            self.recorder.world.set(slot, CLAN_NAME, Value::Text((*name).to_owned()));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        match stage {
            Stage::Warmup(round) => {
                self.rule(WARMUP, true);
                self.rule(PHASE, PHASE_WARMUP);
                self.enter(round);
                self.live(round, false);
                self.rule(WARMUP, false);
            }
            Stage::Round(round) => self.round(round),
            Stage::Rewind(played) => self.load(*played, self.backups.get(*played).copied().unwrap_or_default()),
            Stage::Load(played, score) => self.load(*played, *score),
            Stage::SwapSides => {
                self.swapped = !self.swapped;
                self.rule(PHASE, PHASE_SECOND_HALF);
                self.teams();
            }
            Stage::Overtime(number) => self.rule(OVERTIME, *number),
        }
    }

    /// Sets the number of rounds played and the score.
    fn load(&mut self, played: usize, score: [i32; 2]) {
        self.stand(played, score);
        self.rule(WIN_STATUS, 0);
        self.rule(WIN_REASON, 0);
        self.recorder.say(&events::BEGIN_NEW_MATCH, &[]);
        (0..RESTART_TICKS).for_each(|_| self.recorder.next_tick());
    }

    fn stand(&mut self, played: usize, score: [i32; 2]) {
        self.played = played;
        self.backups.resize(self.backups.len().max(played + 1), [0; 2]);
        self.backups[played] = score;
        self.rule(PLAYED, played as i64);
        self.teams();
    }

    fn round(&mut self, round: &Round) {
        if !self.started {
            self.started = true;
            self.rule(STARTED, true);
            self.rule(PHASE, PHASE_FIRST_HALF);
            self.recorder.say(&events::MATCH_START, &[]);
        }
        self.recorder.say(&events::ROUND_PRESTART, &[]);
        self.rule(FREEZE, true);
        [WIN_STATUS, WIN_REASON, PLANTED].into_iter().for_each(|prop| self.rule(prop, 0));
        let live_from = self.recorder.tick() + round.freeze_ticks;
        self.recorder.world.set(RULES_SLOT, ROUND_START, Value::Float(self.recorder.seconds(live_from)));
        self.enter(round);
        (0..round.freeze_ticks).for_each(|_| self.recorder.next_tick());
        self.rule(FREEZE, false);
        self.recorder.say(&events::ROUND_FREEZE_END, &[]);
        self.live(round, true);
    }

    /// Removes and adds players for the round, and respawns everyone at their start positions.
    fn enter(&mut self, round: &Round) {
        let staying = |player: usize| round.parts.iter().any(|part| part.player == player);
        let leaving: Vec<usize> = self.cast.keys().copied().filter(|player| !staying(*player)).collect();
        leaving.into_iter().for_each(|player| self.leave(player));
        let poses = walk::poses(round);
        for (part, poses) in round.parts.iter().zip(&poses) {
            let Some(player) = self.game.players.get(part.player) else { continue };
            let side = self.side(player.team);
            let recorder = &mut self.recorder;
            let seat = self.cast.entry(part.player).or_insert_with(|| Seat::join(recorder, part.player, player, side));
            seat.spawn(recorder, side, part.weapon);
            if let Some(pose) = poses.first() {
                seat.pose(recorder, *pose);
            }
        }
    }

    fn leave(&mut self, player: usize) {
        if let (Some(seat), Some(described)) = (self.cast.remove(&player), self.game.players.get(player)) {
            seat.leave(&mut self.recorder, described);
        }
    }

    /// Plays from the end of freeze time to the next stage.
    fn live(&mut self, round: &Round, counts: bool) {
        let poses = walk::poses(round);
        let acts = script(round);
        let carrier = round.bomb.and_then(|player| self.cast.get(&player));
        let mut bomb = carrier.map(|seat| Bomb::new(&mut self.recorder, seat));
        let mut throws = Throws::default();
        for tick in 0..round.live_ticks + round.after_ticks {
            for (part, poses) in round.parts.iter().zip(&poses) {
                if let (Some(seat), Some(pose)) = (self.cast.get_mut(&part.player), poses.get(tick as usize)) {
                    seat.pose(&mut self.recorder, *pose);
                }
            }
            for act in acts.iter().filter(|act| act.at == tick) {
                self.act(act, round, &mut bomb, &mut throws);
            }
            throws.tick(&mut self.recorder, &self.cast);
            if let Some(bomb) = &mut bomb {
                bomb.tick(&mut self.recorder, &self.cast);
            }
            if tick % SPOT_TICKS == 0 {
                cast::spot(&mut self.recorder, &self.cast);
            }
            if counts && tick == round.live_ticks {
                self.decide(round);
            }
            self.recorder.next_tick();
        }
        throws.clear(&mut self.recorder);
        if let Some(bomb) = bomb {
            bomb.clear(&mut self.recorder);
        }
        self.recorder.say(&events::ROUND_OFFICIALLY_ENDED, &[]);
    }

    fn decide(&mut self, round: &Round) {
        let mut score = self.score();
        let winner = usize::from(self.side(0) != round.winner);
        score[winner] += 1;
        self.rule(WIN_STATUS, round.winner as i32);
        self.rule(WIN_REASON, round.reason as i32);
        self.stand(self.played + 1, score);
    }

    fn act(&mut self, act: &Act, round: &Round, bomb: &mut Option<Bomb>, throws: &mut Throws) {
        let recorder = &mut self.recorder;
        if let What::Kill(kill) = &act.what {
            return self.kill(act.who, kill, bomb);
        }
        if let What::Leave | What::Die = act.what {
            if let Some((bomb, seat)) = bomb.as_mut().zip(self.cast.get(&act.who)) {
                lose(recorder, bomb, seat);
            }
            if let What::Leave = act.what {
                return self.leave(act.who);
            }
        }
        if let What::Hurt(victim, health, armor) = act.what {
            if let Some(mut hurt) = self.cast.remove(&victim) {
                hurt.hurt(recorder, self.cast.get(&act.who), [health.min(hurt.health - 1), armor], false);
                self.cast.insert(victim, hurt);
            }
            return;
        }
        // Dead players do nothing.
        let Some(seat) = self.cast.get_mut(&act.who).filter(|seat| seat.health > 0) else { return };
        match (&act.what, bomb) {
            (What::Hold(weapon), _) => seat.hold(recorder, weapon),
            (What::Carry(weapon), _) => drop(seat.carry(recorder, weapon)),
            (What::Die, _) => seat.die_alone(recorder),
            (What::Hide(hide), _) => seat.hide(recorder, *hide),
            (What::HoldBomb, Some(bomb)) => bomb.hold(recorder, seat),
            (What::Shoot(_), _) => seat.shoot(recorder),
            (What::Throw(throw), _) => throws.throw(recorder, seat, throw.clone()),
            (What::Plant(site), Some(bomb)) => {
                bomb.plant(recorder, seat, *site, round.fuse_ticks);
                self.rule(PLANTED, true);
            }
            (What::BeginPlant(site), Some(bomb)) => bomb.begin_plant(recorder, seat, *site),
            (What::AbortPlant, Some(bomb)) => bomb.abort_plant(recorder, seat),
            (What::AbortDefuse, Some(bomb)) => bomb.abort_defuse(recorder, seat),
            (What::Defuse(ticks), Some(bomb)) => bomb.defuse(recorder, seat, *ticks),
            (What::DropBomb, Some(bomb)) => bomb.drop(recorder, seat),
            (What::TakeBomb, Some(bomb)) => bomb.take(recorder, seat),
            _ => {}
        }
    }

    fn kill(&mut self, killer: usize, kill: &Kill, bomb: &mut Option<Bomb>) {
        let Some(mut victim) = self.cast.remove(&kill.victim) else { return };
        let recorder = &mut self.recorder;
        if let Some(killer) = self.cast.get(&killer).filter(|_| victim.health > 0) {
            let assister = kill.assister.and_then(|player| self.cast.get(&player));
            victim.die(recorder, killer, assister, kill);
            if let Some(bomb) = bomb {
                lose(recorder, bomb, &victim);
            }
        }
        self.cast.insert(kill.victim, victim);
    }

    fn finish(mut self) -> Vec<u8> {
        self.rule(PHASE, PHASE_OVER);
        self.recorder.say(&events::WIN_PANEL_MATCH, &[]);
        self.recorder.next_tick();
        self.recorder.finish()
    }
}

/// A player who is gone no longer carries or defuses the bomb.
fn lose(recorder: &mut Recorder, bomb: &mut Bomb, gone: &Seat) {
    if bomb.carrier == Some(gone.player) {
        bomb.drop(recorder, gone);
    }
    bomb.interrupt(recorder, gone.player);
}

/// All actions of a round, including implied ones: shots before a kill, switching to a grenade before its throw.
fn script(round: &Round) -> Vec<Act> {
    let mut acts = Vec::new();
    for act in &round.acts {
        let mut add = |at: i32, what: What| acts.push(Act { at, who: act.who, what });
        match &act.what {
            What::Kill(_) => (0..BURST).rev().for_each(|shot| add(act.at - shot * BURST_TICKS, What::Shoot(1))),
            What::Shoot(shots) => {
                (0..*shots).for_each(|shot| add(act.at + shot * BURST_TICKS, What::Shoot(1)));
                continue;
            }
            What::Throw(throw) => {
                let part = round.parts.iter().find(|part| part.player == act.who);
                add(act.at - GRENADE_IN_HAND_TICKS, What::Hold(throws::grenade(throw.grenade).0));
                add(act.at + GRENADE_GONE_TICKS, What::Hold(part.map_or("knife", |part| part.weapon)));
            }
            _ => {}
        }
        acts.push(act.clone());
    }
    acts
}
