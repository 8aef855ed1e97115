# SPDX-License-Identifier: PostgreSQL
# lakehouse_arrow: Arrow and Parquet, the system's or those that tools/setup has put into build/arrow. What of them is
# to be installed beside the worker stands in worker-libraries.txt of the build tree, a path a line.
set(LAKEHOUSE_ARROW_ROOT "${CMAKE_SOURCE_DIR}/build/arrow" CACHE PATH "Arrow's prefix where the system has none")
set(LAKEHOUSE_OLDEST_ARROW 20)

find_package(Arrow QUIET)
find_package(Parquet QUIET)
add_library(lakehouse_arrow INTERFACE)
if(Arrow_FOUND AND Parquet_FOUND AND Arrow_VERSION VERSION_GREATER_EQUAL LAKEHOUSE_OLDEST_ARROW)
  target_link_libraries(lakehouse_arrow INTERFACE Parquet::parquet_shared Arrow::arrow_shared)
  file(WRITE ${CMAKE_BINARY_DIR}/worker-libraries.txt "")
else()
  file(GLOB arrow_library ${LAKEHOUSE_ARROW_ROOT}/lib/libarrow.so.*)
  file(GLOB parquet_library ${LAKEHOUSE_ARROW_ROOT}/lib/libparquet.so.*)
  if(NOT arrow_library OR NOT parquet_library)
    message(FATAL_ERROR "Arrow and Parquet are not here: call tools/setup (`make setup`), or install libarrow-dev and "
                        "libparquet-dev ${LAKEHOUSE_OLDEST_ARROW} or newer")
  endif()
  target_include_directories(lakehouse_arrow SYSTEM INTERFACE ${LAKEHOUSE_ARROW_ROOT}/include)
  target_link_libraries(lakehouse_arrow INTERFACE ${parquet_library} ${arrow_library})
  file(WRITE ${CMAKE_BINARY_DIR}/worker-libraries.txt "${arrow_library}\n${parquet_library}\n")
endif()
