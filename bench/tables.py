# SPDX-License-Identifier: MIT
"""What came of it, as tables."""

import statistics

from jobs import COLUMNS


def median(reports, key="rate"):
    return statistics.median(report[key] for report in reports)


def ratios(reports, other):
    """Ours against another server, round by round."""
    if "ours" not in reports or other not in reports:
        return None
    return [a["rate"] / b["rate"] for a, b in zip(reports["ours"], reports[other])]


def amount(job, value):
    if job.is_idle:
        return f"{value:.0f} B"
    if job.n_bytes:
        return f"{value * job.n_bytes / 1e6:.0f} MB/s"
    return f"{value / 1e6:.2f} M" if value >= 1e6 else f"{value / 1e3:.1f} k"


def cpu_ratio(reports, other):
    """How much more processor time another server takes for an operation than ours: what the generator cannot
    hold back, and so the steadier of the two ratios."""
    return statistics.median(b["cpu_us"] / a["cpu_us"] for a, b in zip(reports["ours"], reports[other]))


def ratio_text(values):
    return f"{statistics.median(values):.2f}" if values else "-"


def spread_text(values):
    """The lowest and the highest of a round."""
    return f"{min(values):.2f}-{max(values):.2f}" if values else "-"


def time_text(each, key):
    return f"{median(each, key):.1f}" if median(each, key) > 0 else "-"


def latency_text(each):
    """Where there are answers to wait for."""
    return f"{median(each, 'p50_us'):.0f} / {median(each, 'p99_us'):.0f}" if median(each, "p50_us") > 0 else "-"


def verdict(value, wanted):
    return f"{value:.2f} {'met' if value >= wanted else 'MISSED'}"


def goal_rows(job, reports):
    """What we wanted to reach, and what came of it: by the rate, and by the server's processor time."""
    if "bytes" in job.goal and "ours" in reports:
        n = median(reports["ours"])
        yield [job.name, "", f"<= {job.goal['bytes']} B", f"{n:.0f} {'met' if n <= job.goal['bytes'] else 'MISSED'}"] + 4 * [""]
        return
    for other, wanted in job.goal.items():
        if other not in reports or "ours" not in reports:
            continue
        cpu = max(report["cpu"] for name in ("ours", other) for report in reports[name])
        yield [job.name, other, f"{wanted:.2f}x", verdict(statistics.median(ratios(reports, other)), wanted),
               verdict(cpu_ratio(reports, other), wanted), f"{cpu * 100:.0f} %",
               latency_text(reports["ours"]), latency_text(reports[other])]


def print_goals(results):
    rows = [line for job, reports in results for line in goal_rows(job, reports)]
    if rows:
        print()
        print_table([["goal", "against", "wanted", "by rate", "by cpu", "generator", "our p50 / p99 us", "theirs"]] + rows)


def row(job, reports, columns):
    cells = [job.name]
    cells += [amount(job, median(reports[name])) if name in reports else "-" for name in ("ours", "bare")]
    cells += ["-" if job.is_idle else ratio_text(ratios(reports, "bare")),
              "-" if job.is_idle else spread_text(ratios(reports, "bare"))]
    for name in columns:
        cell = amount(job, median(reports[name])) if name in reports else "-"
        values = None if job.is_idle else ratios(reports, name)
        cells.append(f"{cell} ({ratio_text(values)}x)" if values else cell)
    cpu = max(report["cpu"] for each in reports.values() for report in each)
    cells.append("-" if job.is_idle else f"{cpu * 100:.0f} %")
    return cells


def print_table(rows):
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(rows[0]))]
    for cells in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


def print_jobs(results):
    columns = [name for name in COLUMNS if any(name in reports for _, reports in results)]
    rows = [["job", "ours", "bare", "/bare", "rounds"] + columns + ["generator"]]
    print_table(rows + [row(job, reports, columns) for job, reports in results])


def print_details(results):
    rows = [["job", "server", "rate", "lowest", "highest", "p50 us", "p99 us", "cpu us/op",
             "ours by cpu", "generator cpu"]]
    for job, reports in results:
        if job.is_idle:
            continue
        for name, each in reports.items():
            rates = [report["rate"] for report in each]
            rows.append([job.name, name, amount(job, median(each)), amount(job, min(rates)), amount(job, max(rates)),
                         time_text(each, "p50_us"),
                         time_text(each, "p99_us"),
                         f"{median(each, 'cpu_us'):.3f}",
                         f"{cpu_ratio(reports, name):.2f}x" if "ours" in reports and name != "ours" else "-",
                         f"{max(report['cpu'] for report in each) * 100:.0f} %"])
    print()
    print_table(rows)
