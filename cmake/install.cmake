# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` lays down. Units name the binaries by their full path, and Grafana's provider its directory, which is known
# only then, as --prefix may change it.
install(TARGETS sendpost RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS deploy/sendpost-pull DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY config alerts DESTINATION ${CMAKE_INSTALL_DATADIR}/sendpost)
install(FILES deploy/pull.env DESTINATION ${CMAKE_INSTALL_DATADIR}/sendpost/config)
install(FILES deploy/sendpost-pull.sysusers DESTINATION lib/sysusers.d RENAME sendpost-pull.conf)
install(FILES deploy/sendpost-pull.timer DESTINATION lib/systemd/system)
install(FILES deploy/sendpost.service deploy/sendpost-pull.service DESTINATION lib/systemd/system)
install(FILES deploy/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sendpost)
install(FILES deploy/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _sendpost)
install(FILES deploy/completion.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME sendpost.fish)
install(DIRECTORY dashboards/ DESTINATION ${CMAKE_INSTALL_DATADIR}/sendpost/dashboards FILES_MATCHING PATTERN "*.json" PATTERN "*.yaml")
install(CODE "set(bin \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")")
install(CODE [[
  foreach(unit sendpost.service sendpost-pull.service)
    set(file "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit}")
    file(READ "${file}" text)
    string(REPLACE "ExecStart=sendpost" "ExecStart=${bin}/sendpost" text "${text}")
    file(WRITE "${file}" "${text}")
  endforeach()
]])
install(CODE "set(dashboards \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/sendpost/dashboards\")")
install(CODE [[
  set(file "$ENV{DESTDIR}${dashboards}/provisioning/dashboards/sendpost.yaml")
  file(READ "${file}" text)
  string(REPLACE "path: /usr/local/share/sendpost/dashboards" "path: ${dashboards}" text "${text}")
  file(WRITE "${file}" "${text}")
]])
install(CODE "
  set(manual \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
  file(MAKE_DIRECTORY \"\${manual}\")
  execute_process(COMMAND sh \"${PROJECT_SOURCE_DIR}/deploy/manual.sh\" \"$<TARGET_FILE:sendpost>\"
    OUTPUT_FILE \"\${manual}/sendpost.1\" COMMAND_ERROR_IS_FATAL ANY)
")
