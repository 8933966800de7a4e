"use strict";
// Puts pictures on the page that Python has made: it computes nothing, and knows no tensor.
(() => {
  const find = (id) => document.getElementById(id);
  const { name: page, lines, stops } = JSON.parse(find("data").textContent);
  const sections = [...document.querySelectorAll(".stop")];
  const links = [...document.querySelectorAll("header nav a")];
  const [range, told, said, play] = ["at", "told", "said", "play"].map(find);
  const all = (place, what) => [...place.querySelectorAll(what)];
  const within = (number, least, most) => Math.max(least, Math.min(most, number));
  const guesses = new Map(); // by stop and what is set: the number of the guess that was made, and what came of it
  const chosen = new Map(); // by lesson, or by a talk's stop: the values of controls and seed
  let stop = 0, step = 0, timer = 0, shown = null; // the walk that is shown

  const place = () => stops[stop].lesson || stop;
  // The key of what is set: the values of the controls that matter, and the seed, a line each.
  function key() {
    const { names, start, walks } = stops[stop], own = start.split("\n"), set = chosen.get(place());
    const wanted = names.map((name, i) => set?.[name] ?? own[i]).join("\n");
    return Object.hasOwn(walks, wanted) ? wanted : start;
  }
  function solved() {
    return Boolean(stops[stop].solution && sections[stop].querySelector(".solution[open]"));
  }
  function walk() {
    return solved() ? stops[stop].solution : stops[stop].walks[key()];
  }
  // A picture is its step, the line that says where it is, and the lines of its HTML.
  function picture() {
    const guess = guessed();
    const [number, where, ...html] = walk()[step];
    if (!guess || step || solved()) return { number, where: lines[where], html };
    return { number, where: lines[where], html: stops[stop].guesses[key()][guess.number].slice(2) };
  }
  function draw(html) {
    const frame = sections[stop].querySelector(".step.first");
    const before = all(frame, "[tabindex]").map((region) => [region.scrollLeft, region === document.activeElement]);
    frame.innerHTML = html.map((line) => lines[line]).join("\n");
    all(frame, "[tabindex]").forEach((region, k) => {
      const [left, held] = before[k] ?? [0, false];
      region.scrollLeft = left;
      if (held) region.focus({ preventScroll: true });
    });
    const line = frame.querySelector(".program .now"), program = line?.parentElement;
    if (!program) return;
    const row = parseFloat(getComputedStyle(line).lineHeight), above = line.offsetTop - program.offsetTop - program.clientTop;
    program.scrollTop = Math.round((above - (program.clientHeight - line.offsetHeight) / 2) / row) * row;
  }
  function show(s, k, quiet) {
    const before = `${stop} ${step}`;
    stop = within(s, 0, stops.length - 1);
    step = within(k, 0, walk().length - 1);
    sections.forEach((one, i) => one.classList.toggle("on", i === stop));
    links.forEach((one, i) => i === stop ? one.setAttribute("aria-current", "step") : one.removeAttribute("aria-current"));
    const { number, where, html } = picture();
    shown = walk();
    draw(html);
    setControls();
    setGuess();
    keep();
    reach();
    range.max = walk().length - 1;
    range.value = step;
    range.disabled = walk().length === 1;
    range.setAttribute("aria-valuetext", where);
    told.textContent = where;
    if (quiet) return;
    if (before !== `${stop} ${step}`) see(before.startsWith(`${stop} `));
    said.textContent = where + ". " + (sections[stop].querySelector(".step.first .words")?.textContent ?? "");
    const address = new URLSearchParams({ stop: stop + 1, step: number });
    const own = stops[stop].start.split("\n"), now = key().split("\n");
    stops[stop].names.forEach((name, i) => { if (now[i] !== own[i]) address.append("set", `${name}=${now[i]}`); });
    try {
      history.replaceState(null, "", `#${address}`);
    } catch { /* some browsers allow it only so often */ }
  }
  function see(moves) { // the picture that moves, and if there is room its words; of another stop the title
    const shown = moves ? ".step.first :is(.tensors, .drawing, .words)" : "h2";
    all(sections[stop], shown).reverse().forEach((one) => one.scrollIntoView({ block: "nearest" }));
  }
  function reach() { // by keys, what is wider than its place
    for (const one of all(sections[stop], ".prose, .prose pre, .display, .ask, .exercise")) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  }
  // In a site the browser keeps which stops were seen, for the index; it may deny that.
  function keep() {
    if (!page) return;
    try {
      const known = JSON.parse(localStorage.getItem("llm-linalg")) ?? {}, seen = new Set(known[page]);
      if (!seen.has(stop + 1)) localStorage.setItem("llm-linalg", JSON.stringify({ ...known, [page]: [...seen, stop + 1] }));
    } catch { /* then nothing is kept */ }
  }
  function on(by) {
    const last = walk().length - 1;
    if (by > 0 && step === last && stop < stops.length - 1) show(stop + 1, 0);
    else if (by < 0 && step === 0 && stop > 0) show(stop - 1, Infinity);
    else show(stop, step + by);
  }
  function rest() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "play";
  }
  function toggle() {
    if (timer) return rest();
    if (step === walk().length - 1) show(stop, 0);
    play.textContent = "pause";
    timer = setInterval(() => step === walk().length - 1 ? rest() : show(stop, step + 1), 500);
  }
  function named() {
    const asked = new URLSearchParams(location.hash.slice(1));
    stop = within(Number(asked.get("stop") ?? 1) - 1 || 0, 0, stops.length - 1);
    const set = asked.getAll("set").map((one) => one.split(/=(.*)/s));
    if (set.length) chosen.set(place(), { ...chosen.get(place()), ...Object.fromEntries(set) });
    show(stop, Math.max(0, walk().findIndex(([number]) => String(number) === asked.get("step"))), true);
  }

  // Controls: together with what was set before if the page has that, else alone.
  function setControls() {
    const now = key().split("\n");
    all(sections[stop], ".controls [name]").forEach((one) => {
      one.value = now[stops[stop].names.indexOf(one.name)];
      if (one.nextElementSibling) one.nextElementSibling.textContent = one.value;
    });
  }
  function move(name, value) {
    const { names, walks, alone } = stops[stop], before = key(), now = before.split("\n");
    const text = Object.keys(alone[name]).find((one) => one === value || Number(one) === Number(value));
    if (text === undefined) return setControls();
    const at = names.indexOf(name), together = now.map((one, i) => i === at ? text : one).join("\n");
    const next = before !== alone[name][now[at]] && Object.hasOwn(walks, together) ? together : alone[name][text];
    chosen.set(place(), { ...chosen.get(place()), ...Object.fromEntries(next.split("\n").map((one, i) => [names[i], one])) });
    rest();
    show(stop, step);
  }
  // The keys that a lesson's text names: a control's own, and [ and ] for the first that has none.
  function nudge(key) {
    const controls = all(sections[stop], ".controls [name]:enabled"), by = key === "[" ? -1 : 1;
    const own = controls.find((one) => one.dataset.key === key);
    const one = own ?? ("[]".includes(key) && (controls.find((one) => !one.dataset.key) ?? controls[0]));
    if (!one) return false;
    if (one.options) one.selectedIndex = (one.selectedIndex + by + one.options.length) % one.options.length;
    else if (by > 0) one.stepUp();
    else one.stepDown();
    move(one.name, one.value);
    return true;
  }

  // What a stop asks: a choice is clicked, or a value typed.
  const guessed = () => guesses.get(`${stop}\n${key()}`);
  function guess(number, words) {
    rest();
    guesses.set(`${stop}\n${key()}`, { number, words: words ?? lines[stops[stop].guesses[key()][number][1]] });
    show(stop, 0);
  }
  function setGuess() {
    const guess = guessed(), words = guess?.words ?? "";
    all(sections[stop], ".verdict").forEach((one) => { if (one.textContent !== words) one.textContent = words; });
    all(sections[stop], ".ask li").forEach((one, i) => one.classList.toggle("on", i === guess?.number));
    all(sections[stop], ".ask button").forEach((one) => { one.disabled = !stops[stop].guesses?.[key()]; });
  }
  const numbers = (text) => (text.replaceAll("−", "-").match(/[-+]?[\d.]*\d(e[-+]?\d+)?/gi) ?? []).map(Number);
  function isRight(text, answer) { // as near as a head can reckon
    const [mine, right] = [numbers(text), numbers(answer)];
    const near = (x, k) => Math.abs(x - right[k]) <= Math.max(1e-6, Number.isInteger(right[k]) ? 0 : Math.abs(right[k]) / 200);
    return mine.length > 0 && mine.length === right.length && mine.every(near);
  }
  function typed(event) {
    event.preventDefault();
    const text = event.target.elements.guess.value.trim(), answer = stops[stop].answers?.[key()];
    if (text && answer) guess(0, isRight(text, answer) ? undefined : `You said ${text}. It is ${answer}.`);
  }
  function choose(number) {
    all(sections[stop], ".ask li button")[number]?.click();
  }
  function hint() {
    const next = sections[stop].querySelector("details:not([open])");
    if (next) next.open = true;
    opened();
  }
  function opened() { // or closed: with the solution its steps come and go
    if (walk() === shown) reach();
    else show(stop, 0);
  }
  sections.forEach((section) => {
    all(section, ".ask li button").forEach((one, k) => one.addEventListener("click", () => guess(k)));
    all(section, ".ask form").forEach((one) => one.addEventListener("submit", typed));
    all(section, ".controls [name]").forEach((one) => {
      for (const kind of ["input", "change"]) one.addEventListener(kind, () => move(one.name, one.value));
    });
    section.addEventListener("toggle", opened, true); // it does not bubble
  });

  const keys = {
    ArrowRight: () => on(1), ArrowLeft: () => on(-1), PageDown: () => on(1), PageUp: () => on(-1),
    ".": () => show(stop + 1, 0), ",": () => show(stop - 1, 0), " ": toggle, h: hint, H: hint,
    Home: () => show(stop, 0), End: () => show(stop, Infinity), 0: () => show(stop, 0), $: () => show(stop, Infinity),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, () => choose(n - 1)])),
  };
  // Keys that belong to what has the focus: a field, a button, a region that is wider than the page.
  function isTheirs({ key, target }) {
    if (target.closest("[type=range]")) return target !== range && /^(Arrow|Home|End|Page)/.test(key);
    if (target.closest("input, select")) return true;
    if (key === " ") return target.closest("button, a, summary");
    const region = /^Arrow|^Home|^End/.test(key) && target.closest("[tabindex]");
    return region && region.scrollWidth > region.clientWidth;
  }
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (isTheirs(event) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (nudge(event.key) || act) event.preventDefault();
    if (!act) return;
    if (event.key !== " ") rest();
    act();
  });
  find("back").addEventListener("click", () => { rest(); on(-1); });
  find("on").addEventListener("click", () => { rest(); on(1); });
  play.addEventListener("click", toggle);
  range.addEventListener("input", () => { rest(); show(stop, Number(range.value)); });
  links.forEach((one, i) => one.addEventListener("click", (event) => { event.preventDefault(); rest(); show(i, 0); }));
  addEventListener("hashchange", named);
  addEventListener("resize", () => show(stop, step, true));
  document.documentElement.classList.add("js");
  named();
})();
