// The player page: controls for the page's video. Without this script the browser's own controls remain.
"use strict";
(() => {
  const IDLE_MS = 2500;
  const MESSAGE_MS = 4000;
  // A kill this recent counts as the current one, so that "previous" goes to the one before it.
  const JUST_PASSED_SECONDS = 1;

  const find = (selector) => document.querySelector(selector);
  const root = document.documentElement;
  const player = find(".player");
  const video = find("video");
  const start = find(".start");
  const seek = find(".seek input");
  const speed = find(".speed");
  const help = find(".help");
  const moments = [...document.querySelectorAll(".moments button")];
  const fps = Number(find("main").dataset.fps);
  let duration = Number(find("main").dataset.duration);

  // Time

  const clock = (seconds) => {
    const whole = Math.floor(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  const goTo = (seconds) => {
    video.currentTime = Math.min(Math.max(seconds, 0), duration);
    show();
  };

  const skip = (seconds) => goTo(video.currentTime + seconds);

  function show() {
    const now = video.currentTime;
    seek.value = now;
    seek.parentElement.style.setProperty("--played", `${(100 * now) / duration}%`);
    seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(duration)}`);
    find(".now").textContent = clock(now);
    const passed = moments.filter((moment) => moment.dataset.at <= now + 0.01).at(-1);
    for (const moment of moments) {
      if (moment === passed) moment.setAttribute("aria-current", "true");
      else moment.removeAttribute("aria-current");
    }
  }

  function showWhilePlaying() {
    show();
    if (!video.paused) requestAnimationFrame(showWhilePlaying);
  }

  seek.addEventListener("input", () => goTo(Number(seek.value)));
  video.addEventListener("timeupdate", show);
  video.addEventListener("seeked", show);
  video.addEventListener("loadedmetadata", () => {
    duration = video.duration;
    seek.max = duration;
    placeMarks();
    const asked = Number(new URLSearchParams(location.search).get("t"));
    if (asked > 0) goTo(asked);
    show();
  });

  // Playing

  const toggle = () => {
    // Autoplay rules or a broken file can refuse; the error event says so.
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  };

  const showState = () => {
    player.classList.toggle("playing", !video.paused);
    find(".play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
    start.setAttribute("aria-label", video.ended ? "Play again" : "Play");
    start.hidden = !video.paused || (video.currentTime > 0 && !video.ended && video.played.length > 0);
    wake();
  };

  start.addEventListener("click", () => {
    find(".play").focus({ preventScroll: true });
    toggle();
  });
  find(".play").addEventListener("click", toggle);
  video.addEventListener("play", () => { showState(); showWhilePlaying(); });
  video.addEventListener("pause", showState);
  video.addEventListener("ended", showState);
  video.addEventListener("error", () => {
    start.hidden = true;
    say("The video could not be loaded. Reload the page to try again.", true);
  });

  const step = (by) => {
    video.pause();
    skip(by / fps);
  };

  // Kills

  function placeMarks() {
    find(".marks").replaceChildren(...moments.map((moment) => {
      const mark = document.createElement("span");
      mark.className = `mark ${moment.className}`;
      mark.style.left = `${(100 * moment.dataset.at) / duration}%`;
      mark.title = moment.textContent;
      mark.append(moment.querySelector("svg").cloneNode(true));
      mark.addEventListener("click", () => goTo(Number(moment.dataset.at)));
      return mark;
    }));
  }

  for (const moment of moments) moment.addEventListener("click", () => goTo(Number(moment.dataset.at)));

  const times = moments.map((moment) => Number(moment.dataset.at));
  const previous = () => goTo(times.filter((at) => at < video.currentTime - JUST_PASSED_SECONDS).at(-1) ?? 0);
  const next = () => goTo(times.find((at) => at > video.currentTime + 0.01) ?? video.currentTime);
  for (const part of document.querySelectorAll(".previous, .next, .with-moments")) part.hidden = times.length === 0;
  find(".previous").addEventListener("click", previous);
  find(".next").addEventListener("click", next);

  // Speed, loop, sound

  const setSpeed = (by) => {
    speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + by, 0), speed.length - 1);
    video.playbackRate = Number(speed.value);
  };
  speed.addEventListener("change", () => setSpeed(0));

  const press = (name, isOn) => find(name).setAttribute("aria-pressed", String(isOn));
  const loop = () => {
    video.loop = !video.loop;
    press(".loop", video.loop);
  };
  find(".loop").addEventListener("click", loop);

  const hasAudio = !find(".mute").hidden;
  const mute = () => {
    if (hasAudio) video.muted = !video.muted;
  };
  find(".with-audio").hidden = !hasAudio;
  find(".mute").addEventListener("click", mute);
  video.addEventListener("volumechange", () => press(".mute", video.muted));

  // Full screen: of the whole player, or where only a video can be (iPhone), of that.

  const canFill = document.fullscreenEnabled && player.requestFullscreen;
  const fill = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (canFill) player.requestFullscreen().catch(() => {});
    else if (video.webkitEnterFullscreen) video.webkitEnterFullscreen();
  };
  find(".full").hidden = !canFill && !video.webkitEnterFullscreen;
  find(".full").addEventListener("click", fill);
  video.addEventListener("dblclick", fill);

  const isFramed = window.top !== window.self;
  const lay = () => {
    const isFull = document.fullscreenElement === player;
    player.classList.toggle("overlay", isFramed || isFull);
    press(".full", isFull);
  };
  document.addEventListener("fullscreenchange", lay);

  // Over the picture, controls disappear while nobody uses them.

  let idle = 0;
  function wake() {
    player.classList.remove("idle");
    clearTimeout(idle);
    idle = setTimeout(() => player.classList.add("idle"), IDLE_MS);
  }
  let wasIdle = false;
  player.addEventListener("pointerdown", () => { wasIdle = player.classList.contains("idle"); }, true);
  for (const sign of ["pointermove", "pointerdown", "keydown", "focusin"]) document.addEventListener(sign, wake);
  video.addEventListener("click", (event) => {
    // The first touch only brings the controls back.
    const isWaking = event.pointerType === "touch" && wasIdle && !video.paused && player.classList.contains("overlay");
    if (!isWaking) toggle();
  });

  // Messages and the link

  let message = 0;
  function say(text, stays) {
    find(".message").textContent = text;
    clearTimeout(message);
    if (!stays) message = setTimeout(() => { find(".message").textContent = ""; }, MESSAGE_MS);
  }

  const copy = find(".copy");
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    const seconds = Math.floor(video.currentTime);
    const link = location.origin + location.pathname + (seconds > 0 ? `?t=${seconds}` : "");
    try {
      await navigator.clipboard.writeText(link);
      say(seconds > 0 ? `Link copied; it starts at ${clock(seconds)}.` : "Link copied.");
    } catch {
      say("The browser does not allow copying. Copy the address of this page instead.");
    }
  });

  // Keyboard

  const showHelp = () => help.showModal();
  find(".keys").addEventListener("click", showHelp);
  help.addEventListener("click", (event) => {
    // A click beside the dialog hits its backdrop, which belongs to it.
    if (event.target === help) {
      const box = help.getBoundingClientRect();
      const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!isInside) help.close();
    }
  });

  const keys = {
    " ": toggle, k: toggle,
    ArrowLeft: () => skip(-5), ArrowRight: () => skip(5),
    j: () => skip(-10), l: () => skip(10),
    ",": () => step(-1), ".": () => step(1),
    "<": () => setSpeed(-1), ">": () => setSpeed(1),
    p: previous, n: next, r: loop, m: mute, f: fill, "?": showHelp,
  };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || target === speed) return;
    // Space and Enter on a control belong to it.
    if (key === " " && target.closest("button, a")) return;
    const isCharacter = key.length === 1 && key !== " ";
    if (isCharacter && !find(".shortcuts").checked) return;
    const name = isCharacter ? key.toLowerCase() : key;
    const act = /^[0-9]$/.test(key) ? () => goTo((duration * Number(key)) / 10) : keys[name];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // From here on, these controls replace the browser's.

  root.classList.toggle("framed", isFramed);
  video.controls = false;
  find(".controls").hidden = false;
  lay();
  placeMarks();
  showState();
  show();
})();
