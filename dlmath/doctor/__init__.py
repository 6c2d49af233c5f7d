"""`dlmath doctor`: find faults of this machine or of a run, above all those that fail silently.

from dlmath.doctor import examine

for line in examine("runs/malaria-20260101T120000Z").faults:
print(line.check, line.verdict.found, line.verdict.advice)
"""

from dlmath.doctor.examination import Examination as Examination
from dlmath.doctor.examination import examine as examine
from dlmath.doctor.verdict import Line as Line
from dlmath.doctor.verdict import Verdict as Verdict
