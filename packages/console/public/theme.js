// Before anything is drawn: the colours that were chosen in this browser (src/app/theme.ts), so that no others flash up.
try {
  document.documentElement.style.colorScheme = localStorage.getItem("kheish-theme") ?? "";
} catch {
  // A browser that keeps nothing has the system's colours.
}
