// Finds out whether this browser trusts the node: a picture loads over https, or it does not.
"use strict";

const trust = document.getElementById("trust");

function test() {
  trust.dataset.state = "testing";
  const picture = new Image();
  picture.onload = () => { trust.dataset.state = "yes"; };
  picture.onerror = () => { trust.dataset.state = "no"; };
  picture.src = `${trust.dataset.pixel}?${Date.now()}`;
}

/** Which instructions are for this device. iPads pretend to be Macs, but Macs have no touch. */
function system() {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "ios";
  if (/Android/.test(agent)) return "android";
  if (/Windows/.test(agent)) return "windows";
  if (/Macintosh/.test(agent)) return "mac";
  return "linux";
}

if (trust) {
  document.getElementById("again").addEventListener("click", test);
  const own = document.getElementById(system());
  if (own) own.open = true;
  test();
}
const print = document.getElementById("print");
if (print) print.addEventListener("click", () => window.print());
