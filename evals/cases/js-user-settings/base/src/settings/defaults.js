export const DEFAULTS = Object.freeze({
  theme: "light",
  mail: { digest: "weekly", product: true },
  editor: { tabSize: 2, wrap: true },
});
