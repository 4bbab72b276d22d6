# The man pages; installed by the Makefile, linted by tests/lint.sh, and compared
# with the tools' tables by tests/cli/docs.sh.
man_pages := docs/man/nfr.5 docs/man/nfload.8 docs/man/nftrace.8 docs/man/nfbench.8
vim_files := docs/vim/syntax/nfr.vim docs/vim/ftdetect/nfr.vim
bash_completion := share/bash-completion/completions/nfload
