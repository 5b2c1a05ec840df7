# inngest_protobuf(): the C form of src/<layer>/<name>.proto, which that layer includes as "<name>.pb-c.h".
find_program(INNGEST_PROTOC_C protoc-c REQUIRED)

function(inngest_protobuf layer name)
  set(folder ${CMAKE_BINARY_DIR}/proto/${layer})
  set(source ${CMAKE_SOURCE_DIR}/src/${layer}/${name}.proto)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${folder}/${name}.pb-c.c ${folder}/${name}.pb-c.h
    COMMAND ${INNGEST_PROTOC_C} --c_out=${folder} --proto_path=${CMAKE_SOURCE_DIR}/src/${layer} ${source}
    DEPENDS ${source}
    COMMENT "Generating ${name}.pb-c.c")
  target_sources(${layer} PRIVATE ${folder}/${name}.pb-c.c ${folder}/${name}.pb-c.h)
  target_include_directories(${layer} SYSTEM PRIVATE ${folder})
endfunction()
