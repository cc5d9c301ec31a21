import shutil
import subprocess

SCRIPT = """
import { mergeInto } from "./tree/src/settings/merge.js";
import assert from "node:assert/strict";

const merged = mergeInto({ theme: "light", mail: { digest: "weekly", product: true } }, { mail: { digest: null, news: 1 }, editor: { wrap: false }, list: [1] });
assert.equal(JSON.stringify(merged), JSON.stringify({ theme: "light", mail: { product: true, news: 1 }, editor: { wrap: false }, list: [1] }));
assert.equal(JSON.stringify(mergeInto({ a: 1 }, { a: { b: 2 } })), JSON.stringify({ a: { b: 2 } }));
for (const body of ['{"__proto__": {"polluted": 1}}', '{"mail": {"__proto__": {"polluted": 1}}}', '{"a": {"b": {"__proto__": {"polluted": 1}}}}', '{"constructor": {"prototype": {"polluted": 1}}}']) {
  const target = { mail: {} };
  try {
    mergeInto(target, JSON.parse(body));
  } catch {
    // it may refuse the body
  }
  assert.equal({}.polluted, undefined, body);
  assert.equal(target.polluted, undefined, body);
  assert.equal(target.mail.polluted, undefined, body);
}
const settings = mergeInto({ keep: 1 }, JSON.parse('{"keep": 2}'));
assert.equal(settings.keep, 2);
"""

if shutil.which("node") is None:
    raise SystemExit(77)
done = subprocess.run(["node", "--input-type=module"], input=SCRIPT, text=True, capture_output=True, timeout=15)
assert done.returncode == 0, done.stderr[:500]
