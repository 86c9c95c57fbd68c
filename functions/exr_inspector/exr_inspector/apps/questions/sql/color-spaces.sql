-- Which color spaces does each show declare?
--
-- Count the declared color spaces. For `not stated`, a pipeline has to guess.
SELECT regexp_extract(file_path, $show, 1) AS show_name,
       coalesce(color_space, 'not stated') AS color_space,
       count(DISTINCT file_id) AS files
FROM parts
GROUP BY 1, 2
ORDER BY 1, files DESC, 2
