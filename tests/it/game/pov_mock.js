// A game with HLAE inside, as far as pov.js can see it: entities, a camera that obeys console commands, and events.
// Each pawn's index is its controller's plus 100. The spectator is the controller 1.
const SPECTATOR = 1;
const WANTED = '76561197991272318';
const NEIGHBOR = '76561197991272319';
const PAWN = 100;
const IN_EYE = 2;
const CHASE = 3;
const ROAMING = 4;
const NONE = -1;

const handle = (index) => (index > 0 ? index + 65536 : NONE);
const entities = new Map();
const said = [];
const commands = [];
const camera = { target: 0, mode: ROAMING };
const game = { tick: 0, deaf: false, firstPerson: 'spec_mode 1' };

function join(index, steam) {
	const pawn = { health: 100 };
	entities.set(index, {
		isPlayerController: () => true,
		getSteamId: () => BigInt(steam),
		getPlayerPawnHandle: () => handle(index + PAWN),
	});
	entities.set(index + PAWN, {
		isPlayerController: () => false,
		getPlayerControllerHandle: () => handle(index),
		getHealth: () => pawn.health,
		getObserverMode: () => (index === SPECTATOR ? camera.mode : 0),
		getObserverTargetHandle: () => (index === SPECTATOR ? handle(camera.target) : NONE),
	});
	return pawn;
}

function leave(index) {
	entities.delete(index);
	entities.delete(index + PAWN);
}

function obey(command) {
	commands.push(command);
	if (game.deaf) return;
	for (const part of command.split(';').map((text) => text.trim())) {
		const [name, value] = part.split(' ');
		if (part === game.firstPerson) camera.mode = IN_EYE;
		else if (name === 'spec_mode') camera.mode = CHASE;
		if (name === 'spec_player') camera.target = Number(value) + PAWN;
	}
}

function event() {
	const hooks = new Map();
	return { on: (key, hook) => hooks.set(key, hook), fire: (data) => hooks.forEach((hook) => hook(data)) };
}

globalThis.mirv = {
	message: (text) => said.push(text.trimEnd()),
	exec: obey,
	getDemoTick: () => game.tick,
	isPlayingDemo: () => true,
	isHandleValid: (value) => value !== NONE,
	getHandleEntryIndex: (value) => value & 0x7fff,
	getEntityFromIndex: (index) => entities.get(index) ?? null,
	getEntityFromSplitScreenPlayer: () => entities.get(SPECTATOR) ?? null,
	events: { clientFrameStageNotify: event(), cViewRenderSetupView: event(), recordStart: event(), recordEnd: event() },
};

// Plays ticks, with one frame each. What `meddle` does happens after the script's turn, as the game itself would.
function play(ticks, meddle = () => {}) {
	for (let i = 0; i < ticks; i++) {
		game.tick++;
		for (const curStage of [0, 5, 9]) {
			for (const isBefore of [true, false]) mirv.events.clientFrameStageNotify.fire({ curStage, isBefore });
		}
		meddle();
		mirv.events.cViewRenderSetupView.fire({});
	}
}

const record = () => mirv.events.recordStart.fire({});
const stop = () => mirv.events.recordEnd.fire({});

join(SPECTATOR, '76561197960287930');
const other = join(4, NEIGHBOR);
const wanted = join(7, WANTED);
