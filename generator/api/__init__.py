"""The board for machines: every row as JSON, CSV and Parquet, every result file, and self-contained schemas.

Addresses below ``api/v1/`` stay; ``api/v1/index.json`` lists them. ``schemas/api/`` says what each table holds: its
columns, in their order, with type, unit and meaning.
"""

from __future__ import annotations

from generator.api.catalogue import SCHEMAS as SCHEMAS
from generator.api.catalogue import Download as Download
from generator.api.catalogue import downloads as downloads
from generator.api.files import api_files as api_files
