"use strict";
(() => {
  const stops = [...document.querySelectorAll(".stop")];
  const steps = stops.map((stop) => [...stop.querySelectorAll(".step")]);
  const links = [...document.querySelectorAll("nav a")];
  const find = (id) => document.getElementById(id);
  const [range, told, said, play] = ["at", "told", "said", "play"].map(find);
  let stop = 0, step = 0, timer = 0;

  function show(s, k, quiet) {
    stop = Math.max(0, Math.min(stops.length - 1, s));
    step = Math.max(0, Math.min(steps[stop].length - 1, k));
    stops.forEach((one, i) => one.classList.toggle("on", i === stop));
    steps[stop].forEach((one, i) => one.classList.toggle("on", i === step));
    links.forEach((one, i) => i === stop ? one.setAttribute("aria-current", "step") : one.removeAttribute("aria-current"));
    const now = steps[stop][step];
    range.max = steps[stop].length - 1;
    range.value = step;
    told.textContent = now.dataset.told;
    const line = now.querySelector(".program .now"), program = line?.parentElement;
    if (program) {
      const row = parseFloat(getComputedStyle(line).lineHeight), above = line.offsetTop - program.offsetTop - program.clientTop;
      program.scrollTop = Math.round((above - (program.clientHeight - line.offsetHeight) / 2) / row) * row;
    }
    range.setAttribute("aria-valuetext", now.dataset.told);
    if (quiet) return;
    said.textContent = now.dataset.told + ". " + (now.querySelector(".words")?.textContent ?? "");
    history.replaceState(null, "", `#stop=${stop + 1}&step=${now.dataset.step}`);
  }
  function on(by) {
    if (by > 0 && step === steps[stop].length - 1 && stop < stops.length - 1) show(stop + 1, 0);
    else if (by < 0 && step === 0 && stop > 0) show(stop - 1, steps[stop - 1].length);
    else show(stop, step + by);
  }
  function rest() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "play";
  }
  function toggle() {
    if (timer) return rest();
    if (step === steps[stop].length - 1) show(stop, 0);
    play.textContent = "pause";
    timer = setInterval(() => step === steps[stop].length - 1 ? rest() : show(stop, step + 1), 500);
  }
  function named() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const s = Math.max(0, Math.min(stops.length - 1, Number(asked.get("stop") ?? 1) - 1 || 0));
    show(s, Math.max(0, steps[s].findIndex((one) => one.dataset.step === asked.get("step"))), true);
  }
  const keys = {
    ArrowRight: () => on(1), ArrowLeft: () => on(-1), PageDown: () => on(1), PageUp: () => on(-1),
    ".": () => show(stop + 1, 0), ",": () => show(stop - 1, 0), " ": toggle,
    Home: () => show(stop, 0), End: () => show(stop, 1e9), 0: () => show(stop, 0), $: () => show(stop, 1e9),
  };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    const own = event.key === " " && event.target.closest("button, a");
    if (!act || own || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
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
