-- What are the channels of each show?
--
-- List layers with their components and pixel types, and count the files that have them.
SELECT regexp_extract(file_path, $show, 1) AS show_name,
       coalesce(layer_name, '') AS layer,
       array_agg(DISTINCT component_name ORDER BY component_name) AS components,
       array_agg(DISTINCT type ORDER BY type) AS types,
       count(DISTINCT file_id) AS files
FROM channels
GROUP BY 1, 2
ORDER BY 1, files DESC, 2
