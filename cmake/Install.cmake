# What "cmake --install" puts where.
set(PBRUN_BASH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/bash-completion/completions CACHE STRING
  "Where bash looks for completions")
set(PBRUN_ZSH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
  "Where zsh looks for completions")
set(PBRUN_FISH_COMPLETION_DIR ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d CACHE STRING
  "Where fish looks for completions")

file(GLOB pbrun_documents CONFIGURE_DEPENDS *.md)
install(FILES man/pbrun.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES LICENSE ${pbrun_documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR}) # beside them, as in the sources: they link to each other
install(FILES completions/pbrun.bash DESTINATION ${PBRUN_BASH_COMPLETION_DIR} RENAME pbrun)
install(FILES completions/_pbrun DESTINATION ${PBRUN_ZSH_COMPLETION_DIR})
install(FILES completions/pbrun.fish DESTINATION ${PBRUN_FISH_COMPLETION_DIR})
if(PBRUN_INSTALL_SYSTEM_DIR)
  install(DIRECTORY DESTINATION /var/cache/pbrun)
endif()

# "cmake --build build --target uninstall" removes what was installed from this build directory.
add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_LIST_DIR}/Uninstall.cmake
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)

# The Debian package: "cpack" in a build directory of type Release.
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # /var/cache/pbrun is outside of the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_VENDOR "The pbrun authors")
# Who answers for the package: whoever builds it, by the variables that Debian's tools go by. Else nobody can be written to.
set(PBRUN_MAINTAINER "" CACHE STRING "Maintainer of the Debian package: NAME <ADDRESS>; empty: DEBFULLNAME and DEBEMAIL")
set(CPACK_PACKAGE_CONTACT "${PBRUN_MAINTAINER}")
if(NOT CPACK_PACKAGE_CONTACT AND "$ENV{DEBEMAIL}" MATCHES "<.+>$")
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBEMAIL}")
elseif(NOT CPACK_PACKAGE_CONTACT AND DEFINED ENV{DEBEMAIL} AND DEFINED ENV{DEBFULLNAME})
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
if(NOT CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "The pbrun authors <pbrun@nobody.invalid>")
  message(STATUS "A .deb made here names nobody as its maintainer: set DEBFULLNAME and DEBEMAIL, or -DPBRUN_MAINTAINER='NAME <ADDRESS>'")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "start programs faster when they are not in memory yet")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"pbrun starts a program with the pages that it is going to need already on
their way into memory, watches which pages it really uses, and remembers
them for the next start. It needs no daemon and no privileges, and changes
nothing about the program.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 0local1) # less than the first one of a distribution
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/postinst
  ${PROJECT_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/debian/stage.cmake)
set(CPACK_PBRUN_SOURCE_DIR ${PROJECT_SOURCE_DIR})
include(CPack)
