"""The first review of changes of 3 to 300 files without any latency, one of them full of analyzer hits.

    python -m benchmarks.large_changes [--files 3 20 80]

The App runs as a process of its own; its CPU time includes the analyzers' programs. CPU times differ between machines, so each
figure also says how long this machine takes for 20 million additions in Python: about 1 s on a current core.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import LocalDeployment, cpu_s, deploy_locally
from github_sandbox import Pull

ADDITIONS = 20_000_000
CPU_TARGETS_S = {80: 3.0, 300: 10.0}  # of a current core
MEMORY_TARGET_MB = 400
PROMPT_TARGETS = {20: 4.5, 80: 3.3, 150: 3.3}  # prompts per patch
HITS_PER_FILE = 28
FUNCTIONS_PER_FILE = 12
MAX_ANNOTATIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One review of a change."""

    files: int
    hits: int
    wall_s: float
    app_s: float  # CPU time of the App and its children
    memory_mb: float  # the highest resident size so far
    prompt_tokens: float  # per token of the patch, all requests together
    annotations: int
    check_run_writes: int


def calibrate(additions: int = ADDITIONS) -> float:
    """CPU seconds of a loop of additions."""
    started_s, total = time.process_time(), 0
    for number in range(additions):
        total += number
    return time.process_time() - started_s


def module(number: int, *, hits: int) -> str:
    """A new module; `hits` of its lines are reported by an analyzer."""
    lines = [f'"""Part {number} of the shop."""', "", "import os", ""]
    for index in range(max(FUNCTIONS_PER_FILE, hits)):
        lines += ["", f"def convert_{number}_{index}(name: str, rate: int) -> str:"]
        lines += [f'    """Convert entry {index} of part {number}."""', "    entry = name.strip().lower()"]
        lines += (
            [f"    os.system('convert {index} ' + entry)"]
            if index < hits
            else [f"    total = rate * {index + 2}"]
        )
        lines += ["    return f'{entry}: {rate}'", ""]
    return "\n".join(lines)


async def measure(deployment: LocalDeployment, *, files: int, hits: int = 0) -> Measurement:
    """Open a pull request of this size in a repository of its own and wait for its last check run."""
    change = {f"shop/part_{n}.py": module(n, hits=hits) for n in range(files)}
    repository = deployment.github.create_repository(f"large/shop-{files}-{hits}", {"README.md": "# Shop\n"})
    pull = repository.open_pull(change, title="Add the parts")
    deployment.vendors.requests.clear()
    written = len(deployment.github.requests)
    before_s, started_s = cpu_s(deployment.process.pid), time.monotonic()
    await deployment.deliver()
    wall_s = await deployment.until_reviewed(pull) - started_s
    app_s = cpu_s(deployment.process.pid) - before_s
    patch_characters = sum(len(text) for text in change.values())
    prompts = sum(len(each.text) for each in deployment.vendors.requests)
    writes = deployment.github.requests[written:]
    return Measurement(
        files=files,
        hits=files * hits,
        wall_s=wall_s,
        app_s=app_s,
        memory_mb=peak_memory_mb(deployment.process.pid),
        prompt_tokens=prompts / patch_characters,
        annotations=_annotations(pull),
        check_run_writes=sum("check-runs" in each.path and each.method != "GET" for each in writes),
    )


def _annotations(pull: Pull) -> int:
    return max(len(run.annotations) for run in pull.repository.check_runs.values())


def peak_memory_mb(pid: int) -> float:
    """The highest resident size of a process so far; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def figures(each: Measurement, *, machine_s: float) -> list[Figure]:
    """The figures of one review, with CPU times converted to those of a current core."""
    name = f"{each.files} files" + (f" with {each.hits} analyzer hits" if each.hits else "")
    target_s = CPU_TARGETS_S.get(each.files)
    current_s = each.app_s / machine_s
    cpu = Figure(
        name=f"first review, {name}",
        measured=f"{each.wall_s:.1f} s, {each.app_s:.1f} s of CPU (20 million additions: {machine_s:.1f} s)",
        target=f"≤ {target_s:.0f} s of CPU on a current core" if target_s else "–",
        reached=None if target_s is None else current_s <= target_s,
    )
    prompts = None if each.hits else PROMPT_TARGETS.get(each.files)
    rest = Figure(
        name=f"the same: peak memory, prompts per patch, annotations, check run writes, {name}",
        measured=f"{each.memory_mb:.0f} MiB, {each.prompt_tokens:.1f} x, {each.annotations}, {each.check_run_writes}",
        target=f"≤ {MEMORY_TARGET_MB} MiB, {f'≤ {prompts} x' if prompts else '–'}, ≤ {MAX_ANNOTATIONS}, –",
        reached=each.memory_mb <= MEMORY_TARGET_MB
        and each.annotations <= MAX_ANNOTATIONS
        and (prompts is None or round(each.prompt_tokens, 1) <= prompts),
    )
    return [cpu, rest]


async def main(sizes: list[int]) -> None:
    """Measure and print."""
    machine_s = calibrate()
    async with deploy_locally() as deployment:
        await measure(deployment, files=2)  # the first review loads the SDKs
        for files in sizes:
            print_figures(figures(await measure(deployment, files=files), machine_s=machine_s))
        if 80 in sizes:
            print_figures(
                figures(await measure(deployment, files=80, hits=HITS_PER_FILE), machine_s=machine_s)
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[3, 20, 80, 150, 300])
    asyncio.run(main(parser.parse_args().files))
