"""Charts: each is data, a Vega-Lite picture of it drawn by Altair, and a caption that states the finding.

A chart reaches the page as one inline SVG whose colours are the page's CSS variables, so that it follows
light and dark without a second picture, and is never without a table of the same data beside it. Adding a
chart is one module here and a line in :mod:`generator.context`.
"""
