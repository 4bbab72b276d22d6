" SPDX-License-Identifier: BSD-2-Clause
" nfr.vim: policies by their name.
autocmd BufNewFile,BufRead *.nfr setfiletype nfr
