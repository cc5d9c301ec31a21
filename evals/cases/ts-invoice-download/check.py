import re
from pathlib import Path

text = Path("tree/src/invoices/routes.ts").read_text()
handler = text[text.index('"/:id/pdf"') :]
before = handler[: handler.index("renderPdf(")]
assert "customerId" in before, "the customer is not looked at before the invoice is rendered"
guard = r"if \((?:!invoice \|\| )?invoice\.customerId !== req\.user[!?]?\.customerId\) \{\s*res\.status\(40[34]\)[^}]*\}\);\s*return;\s*\}"
if not re.search(guard, before):
    raise SystemExit(77)
