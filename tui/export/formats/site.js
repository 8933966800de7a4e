"use strict";
// The index of a site: what was seen of each lesson, and the lessons and stops that have the words searched for.
(() => {
  const find = (id) => document.getElementById(id);
  const stops = JSON.parse(find("data").textContent);
  const lessons = [...document.querySelectorAll("li[data-page]")];
  const word = (text) => text.toLowerCase();

  function seen() {
    try {
      return JSON.parse(localStorage.getItem("llm-linalg")) ?? {};
    } catch { // a browser may deny it
      return {};
    }
  }
  function mark() {
    const known = seen();
    lessons.forEach((lesson, i) => {
      const count = known[lesson.dataset.page]?.length ?? 0, all = stops[i].length;
      lesson.querySelector(".seen").textContent = count ? `, ${count >= all ? "✓ all" : count} seen` : "";
    });
  }
  function found(words, [title, text]) {
    return words.every((one) => word(title).includes(one) || word(text).includes(one));
  }
  function search() {
    const words = word(find("find").value).split(/\s+/).filter(Boolean);
    let count = 0;
    lessons.forEach((lesson, i) => {
      const link = lesson.querySelector("a"), named = words.every((one) => word(link.textContent).includes(one));
      const places = words.length ? stops[i].map((stop, k) => [stop, k]).filter(([stop]) => found(words, stop)) : [];
      lesson.hidden = words.length > 0 && !named && !places.length;
      if (!lesson.hidden) count += 1;
      lesson.querySelector("ul").replaceChildren(...places.map(([[title], k]) => {
        const item = document.createElement("li"), place = document.createElement("a");
        place.href = `${link.getAttribute("href")}#stop=${k + 1}`;
        place.textContent = title;
        item.append(place);
        return item;
      }));
    });
    document.querySelectorAll(".part").forEach((part) => { part.hidden = !part.querySelector("li[data-page]:not([hidden])"); });
    find("count").textContent = words.length ? `${count} of ${lessons.length}` : "";
  }
  find("find").addEventListener("input", search);
  find("forget").addEventListener("click", () => {
    try {
      localStorage.removeItem("llm-linalg");
    } catch { /* then nothing is kept */ }
    mark();
  });
  addEventListener("pageshow", mark);
  document.documentElement.classList.add("js");
  search();
  mark();
})();
