"""Block grammars of vendors, one data file each; a package so that the files are shipped."""
