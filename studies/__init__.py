"""Studies: a script, executed to a notebook and rendered as one HTML page.

A study is a folder with three files: ``study.cfg`` (its title and what it
measures), ``study.py`` (the analysis, in jupytext's percent format) and
``README.md``. ``python -m studies run NAME`` measures what is missing, executes
the script and leaves a notebook with outputs and a page that needs no other file.
"""
