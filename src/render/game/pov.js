// @ts-check
// Filled in by dinkem-appliance for one attempt and loaded by HLAE with mirv_script_load. Keeps the demo camera on one
// player, looks at every recorded frame to see whose eyes it shows, and reports on the console; -condebug copies the
// console to console.log.
(() => {
	'use strict';
	const WANT = BigInt('__STEAM64__'); // A Number cannot hold a Steam ID: neighbors would be one.
	const TAG = 'DINKEM_POV __TOKEN__';
	const HOOK = 'dinkem-appliance/pov';
	const IN_EYE = 2; // ObserverMode_t::OBS_MODE_IN_EYE. What the command spec_mode takes is another number.
	const PLAYERS = 64; // Controllers have the entity indexes 1 to 64.
	const REPORT_TICKS = 64; // Ticks between two lines while nothing changes.
	const PATIENCE_TICKS = 32; // Ticks in vain after which the other number is given to spec_mode.

	let index = 0; // Entity index of the player's controller, which is what spec_player takes. 0: not there.
	let vain = 0; // Ticks in a row without the player's own view.
	let specMode = 1; // 1 works on some builds of the game, 2 on others: see PATIENCE_TICKS.
	let lastTick = -1;
	let reportedTick = -REPORT_TICKS;
	let reported = '';
	let recording = false;
	let wasAlive = false; // At any time. After the player's death the camera is left to the game.
	let lived = false; // While recording. Frames before that cannot be excused by a death.
	let failed = false;
	let frames = 0, good = 0, wrong = 0, third = 0, dead = 0, blind = 0;

	const say = (/** @type {string} */ text) => mirv.message(`${TAG} ${text}\n`);
	const tick = () => mirv.getDemoTick() ?? -1;
	const entity = (/** @type {number} */ handle) =>
		mirv.isHandleValid(handle) ? mirv.getEntityFromIndex(mirv.getHandleEntryIndex(handle)) : null;

	function isWanted(/** @type {number} */ i) {
		const e = mirv.getEntityFromIndex(i);
		return e !== null && e.isPlayerController() && e.getSteamId() === WANT;
	}

	// A player who reconnects gets another index, so the known one is checked each time.
	function find() {
		if (index > 0 && isWanted(index)) return index;
		for (let i = 1; i <= PLAYERS; i++) {
			if (isWanted(i)) return i;
		}
		return 0;
	}

	// Whom the picture shows, and from where; null if that cannot be told.
	function shown() {
		const local = mirv.getEntityFromSplitScreenPlayer(0);
		const eyes = local === null ? null : entity(local.getPlayerPawnHandle());
		if (eyes === null) return null;
		const target = entity(eyes.getObserverTargetHandle());
		const owner = target === null ? null : entity(target.getPlayerControllerHandle());
		if (owner === null || !owner.isPlayerController()) return null;
		return { steam: owner.getSteamId(), mode: eyes.getObserverMode() };
	}

	// Health of the player; null if he is not there, which is not the same as dead.
	function health() {
		const controller = index > 0 ? mirv.getEntityFromIndex(index) : null;
		const pawn = controller === null ? null : entity(controller.getPlayerPawnHandle());
		return pawn === null ? null : pawn.getHealth();
	}

	// An error in a hook would otherwise be repeated every frame, or not be seen at all.
	function guarded(/** @type {() => void} */ run) {
		try {
			run();
		} catch (error) {
			if (!failed) say(`error ${String(error).replace(/\s+/g, ' ')}`);
			failed = true;
		}
	}

	function hold() {
		const t = tick();
		if (t !== -1 && t === lastTick) return;
		lastTick = t;
		const i = find();
		if (i !== index) {
			index = i;
			say(i > 0 ? `found index=${i} tick=${t}` : `lost tick=${t}`);
		}
		if (i === 0) return;
		const hp = health();
		if (hp !== null && hp > 0) wasAlive = true;
		else if (hp !== null && wasAlive) return;
		const s = shown();
		const isHis = s !== null && s.steam === WANT;
		if (isHis && s.mode === IN_EYE) {
			vain = 0;
			return;
		}
		if (++vain % PATIENCE_TICKS === 0) specMode = 3 - specMode;
		mirv.exec(isHis ? `spec_mode ${specMode}` : `spec_mode ${specMode}; spec_player ${i}`);
	}

	function judge() {
		frames++;
		const s = shown();
		const hp = health();
		if (hp !== null && hp > 0) lived = true;
		if (hp !== null && hp <= 0 && lived) dead++;
		else if (s === null) blind++;
		else if (s.steam !== WANT) wrong++;
		else if (s.mode !== IN_EYE) third++;
		else good++;
		const now = s === null ? 'none' : `${s.steam}/${s.mode}`;
		const t = tick();
		if (now !== reported || t - reportedTick >= REPORT_TICKS) {
			reported = now;
			reportedTick = t;
			say(`seen=${now} tick=${t} frames=${frames} good=${good}`);
		}
	}

	// At any stage of a frame, but once a tick: the numbers of stages change with the game's updates.
	mirv.events.clientFrameStageNotify.on(HOOK, (/** @type {AdvancedfxMirv.Events.ClientFrameStageNotifyEvent} */ e) => {
		if (!e.isBefore && mirv.isPlayingDemo()) guarded(hold);
	});

	mirv.events.cViewRenderSetupView.on(HOOK, () => {
		if (recording) guarded(judge);
		return undefined;
	});

	mirv.events.recordStart.on(HOOK, () => {
		recording = true;
		lived = false;
		frames = good = wrong = third = dead = blind = 0;
		reportedTick = -REPORT_TICKS;
		say(`record-start tick=${tick()}`);
	});

	mirv.events.recordEnd.on(HOOK, () => {
		recording = false;
		say(`record-end tick=${tick()} frames=${frames} good=${good} wrong=${wrong} third=${third} dead=${dead} blind=${blind}`);
	});

	mirv.exec('spec_autodirector 0');
	say(`loaded steam=${WANT} contract=1`);
})();
