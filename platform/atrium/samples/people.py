"""The sample people and departments that a first start shows."""

DEPARTMENTS = (
    ("credit-risk", "Credit Risk", "Scores loan applications."),
    ("clinic", "Clinic", "Supports diagnosis and care."),
    ("retail", "Retail", "Plans demand and stock of the stores."),
    ("manufacturing", "Manufacturing", "Keeps machines and quality under control."),
)

# user name, full name, memberships (department, role), platform admin
PEOPLE: tuple[tuple[str, str, tuple[tuple[str, str], ...], bool], ...] = (
    ("alice", "Alice Adler", (("credit-risk", "analyst"),), False),
    ("bob", "Bob Brandt", (("credit-risk", "viewer"),), False),
    ("emil", "Emil Ekström", (("credit-risk", "engineer"),), False),
    ("mona", "Mona Marten", (("credit-risk", "manager"),), False),
    ("charlie", "Charlie Chen", (("retail", "analyst"),), False),
    ("rita", "Rita Rossi", (("retail", "manager"),), False),
    ("dana", "Dana Dvořák", (("clinic", "engineer"),), False),
    ("carl", "Carl Cohen", (("clinic", "manager"),), False),
    ("farah", "Farah Faris", (("manufacturing", "engineer"),), False),
    ("mei", "Mei Meng", (("manufacturing", "manager"),), False),
    ("erin", "Erin Eriksen", (), True),
)
