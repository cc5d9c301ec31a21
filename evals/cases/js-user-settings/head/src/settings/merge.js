function isGroup(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Writes the values of `changes` into `target`, group by group. A value of null removes the setting. */
export function mergeInto(target, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) {
      delete target[name];
    } else if (isGroup(value)) {
      if (!isGroup(target[name])) {
        target[name] = {};
      }
      mergeInto(target[name], value);
    } else {
      target[name] = value;
    }
  }
  return target;
}
