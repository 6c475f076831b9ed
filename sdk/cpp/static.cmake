# gust_bootstrap(TARGET LIBRARIES...): links an executable of the SDK. Without sanitizers it comes out static, so that it
# needs nothing of the root that it runs in. find_package(OpenSSL) names the shared libraries by path, therefore the
# archives are listed here one by one instead of following the libraries' own links.
function(gust_bootstrap target)
  if(GUST_SANITIZE)
    target_link_libraries(${target} PRIVATE ${ARGN})
    return()
  endif()
  target_link_options(${target} PRIVATE -static -s)
  set_target_properties(${target} PROPERTIES LINK_SEARCH_START_STATIC ON LINK_SEARCH_END_STATIC ON)
  target_compile_options(${target} PRIVATE ${GUST_WARNINGS})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/sdk/cpp/include ${CMAKE_SOURCE_DIR}/examples)
  foreach(library ${ARGN} gust_http gust_net gust_os gust_crypto gust_base)
    add_dependencies(${target} ${library})
    target_link_libraries(${target} PRIVATE $<TARGET_FILE:${library}>)
  endforeach()
  target_link_libraries(${target} PRIVATE libpugixml.a libjpeg.a libssl.a libcrypto.a libz.a)
endfunction()
