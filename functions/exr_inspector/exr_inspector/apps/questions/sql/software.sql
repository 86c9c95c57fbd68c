-- Which software wrote the files?
--
-- Extract product and version from the software that the file names.
--
-- | show_name | product | version | files |
-- |---|---|---|---|
-- | hill | Arnold | 7.3.3.1 | 11 |
-- | hill | not stated |  | 6 |
-- | hill | Arnold | 7.3.4.0 | 3 |
-- | hill | Nuke | 15.1v3 | 3 |
SELECT regexp_extract(file_path, $show, 1) AS show_name,
       coalesce(regexp_extract(render_software, '^[A-Za-z-]+'), 'not stated') AS product,
       coalesce(regexp_extract(render_software, '[0-9][0-9.v]*'), '') AS version,
       count(DISTINCT file_id) AS files
FROM parts
GROUP BY 1, 2, 3
ORDER BY 1, files DESC, 2, 3
