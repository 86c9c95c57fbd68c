-- How old are the files, and how large?
--
-- Group files by their last modification time, to find candidates for a cheaper tier.
SELECT regexp_extract(file_path, $show, 1) AS show_name,
       CASE WHEN mtime > (SELECT max(last_inspected) FROM files) - INTERVAL '30' DAY THEN '1: up to a month'
            WHEN mtime > (SELECT max(last_inspected) FROM files) - INTERVAL '365' DAY THEN '2: up to a year'
            ELSE '3: over a year' END AS age,
       count(*) AS files, sum(size_bytes) AS bytes, max(size_bytes) AS largest
FROM files
GROUP BY 1, 2
ORDER BY 1, 2
