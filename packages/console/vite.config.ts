import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    // The daemon's policy allows no inline script and no data URL but images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
