# Run by cpack on the staged files: makes of them what Debian's rules ask of a package.
set(doc ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/pbrun)
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)

function(compress file)
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

compress(${share}/man/man1/pbrun.1)
configure_file(${doc}/CHANGELOG.md ${doc}/changelog COPYONLY)
compress(${doc}/changelog)

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${doc}/changelog.Debian
"pbrun (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Built by cpack from the sources; what has changed is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
compress(${doc}/changelog.Debian)

file(READ ${doc}/LICENSE license)
string(REGEX REPLACE "^MIT License\n\n(Copyright[^\n]*)\n\n" "" license "${license}")
set(holder "${CMAKE_MATCH_1}")
string(REGEX REPLACE "^Copyright \\(c\\) " "" holder "${holder}")
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n+$" "" license "${license}")
string(REGEX REPLACE "\n" "\n " license "${license}")
file(WRITE ${doc}/copyright
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: pbrun

Files: *
Copyright: ${holder}
License: Expat
 ${license}
")
file(REMOVE ${doc}/LICENSE)

file(MAKE_DIRECTORY ${share}/zsh)
file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)

# pbrun's own start is part of every start: its libraries but libc are linked statically (docs/performance.md).
file(WRITE ${share}/lintian/overrides/pbrun "pbrun: embedded-library *\n")
