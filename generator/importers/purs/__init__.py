"""The kernel leaderboard of pu-rs.org, as its repository and its site hold it.

Data flows: :mod:`.reading` (files to rows of cells), :mod:`.rows` (a row to one value, by :mod:`.cells`,
:mod:`.shapes` and :mod:`.rates`), :mod:`.merging` (values to figures that are new), :mod:`.records` and
:mod:`.devices` (figures to drafts). What each name means stands in ``data/importers/purs.yml`` (:mod:`.names`).
"""

from __future__ import annotations

from generator.importers.purs.flow import read as read
