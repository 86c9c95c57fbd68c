-- Which files were not measured?
--
-- Count the files of each show, the measured files, and the files with all pixels read.
SELECT regexp_extract(f.file_path, $show, 1) AS show_name,
       count(*) AS files,
       count(p.file_id) AS measured,
       sum(CASE WHEN p.exact THEN 1 ELSE 0 END) AS exact
FROM files AS f
LEFT JOIN pixels AS p ON p.file_id = f.file_id
WHERE f.header_hash IS NOT NULL
GROUP BY 1
ORDER BY 1
